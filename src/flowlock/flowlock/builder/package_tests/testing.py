"""Tests of packages (recipe `tests:`): run in the environment that users get, again when that changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowlock.builder.environments.declared import manifest_requirements
from flowlock.builder.environments.locked import packages_digest, pinned_channel_set
from flowlock.builder.package_tests.channels import PackageTestChannels
from flowlock.builder.package_tests.outcomes import OutcomeCache
from flowlock.builder.plan.cache import CachedArtifact
from flowlock.builder.plan.order import names_of
from flowlock.builder.plan.result import PASSED, PASSED_BEFORE, JobResult
from flowlock.builder.plan.stale import PackageState
from flowlock.builder.worker.jobs import TestJob
from flowlock.builder.worker.workers import Workers
from flowlock.conda import platforms, virtual
from flowlock.conda.closure import closure
from flowlock.conda.records import Record
from flowlock.edges import files
from flowlock.edges.amounts import Tally
from flowlock.edges.memo import digest_of
from flowlock.errors import FlowlockError, shortened
from flowlock.lock.solver import sources
from flowlock.recipe.document import Recipe
from flowlock.report.reporter import Progress

NOT_TESTED = "not tested: "
SHOWN = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class _PendingTest:
    """The tests of a package in one environment, which have to run."""

    job: TestJob
    inputs: str
    environment: str


def run(
    workers: Workers,
    states: Mapping[str, PackageState],
    held: Mapping[str, CachedArtifact],
    *,
    graph: Mapping[str, frozenset[str]],
    channels: PackageTestChannels,
    outcomes: OutcomeCache,
    progress: Progress,
) -> dict[str, str]:
    """Run the tests that are due, and return how each package's stand: passed, passed before, or not tested.

    A package whose run requirements no channel has is not tested, and the outcome names them. Tests that fail
    are one FlowlockError for all, with the tail of the first one's log.
    """
    result: dict[str, str] = {}
    due: dict[str, _PendingTest] = {}
    for name, state in states.items():
        if not tests_of(state):
            continue
        inputs = _inputs(name, held, graph, channels)
        outcome = outcomes.last(name, inputs) or _due_or_outcome(
            state, held[name], inputs, channels=channels, outcomes=outcomes, progress=progress
        )
        if isinstance(outcome, _PendingTest):
            due[name] = outcome
        else:
            result[name] = outcome
            outcomes.keep_outcome(name, inputs, outcome)
    failed: dict[str, FlowlockError] = {}
    tally = Tally(len(due))
    for name, ended in workers.run({name: set() for name in due}, lambda name: due[name].job):
        if isinstance(ended, JobResult):
            outcomes.keep_pass(held[name].artifact.known_sha256, due[name].environment)
            outcomes.keep_outcome(name, due[name].inputs, PASSED_BEFORE)
            result[name] = PASSED
        else:
            failed[name] = ended
        progress.working(f"{tally.add()}: tests of {name} {'failed' if name in failed else 'passed'}")
    outcomes.save(graph.keys())
    if failed:
        raise _failures(failed)
    return result


def _due_or_outcome(
    state: PackageState,
    held: CachedArtifact,
    inputs: str,
    *,
    channels: PackageTestChannels,
    outcomes: OutcomeCache,
    progress: Progress,
) -> _PendingTest | str:
    """Return the tests of a package that have to run, or the outcome if they need not or cannot."""
    channels.write_own()
    obstacle = _obstacle(state.target.recipe, channels)
    if obstacle is not None:
        return obstacle
    records = _resolved(state, channels)
    environment = packages_digest(records)
    if outcomes.passed(held.artifact.known_sha256, environment):
        return PASSED_BEFORE
    folder = channels.work / state.identity.artifact.stem
    channel_set = pinned_channel_set(
        records, folder, source=channels.record_files(progress), platform=platforms.current()
    )
    job = TestJob(identity=state.identity, artifact=held.path, channel_set=channel_set)
    return _PendingTest(job=job, inputs=inputs, environment=environment)


def tests_of(state: PackageState) -> list[Mapping[str, Any]]:
    """Return the entries of a recipe's `tests`."""
    tests = state.target.recipe.document.get("tests") or ()
    return [tests] if isinstance(tests, Mapping) else list(tests)


def _inputs(
    name: str,
    held: Mapping[str, CachedArtifact],
    graph: Mapping[str, frozenset[str]],
    channels: PackageTestChannels,
) -> str:
    """Return the digest of what decides an environment, as far as it exists on this machine."""
    ours = {need: held[need].artifact.known_sha256 for need in sorted(closure([name], graph.__getitem__))}
    indexes = [
        folder.repodata(subdir)
        for folder in channels.folders
        if folder.url != channels.own
        for subdir in (sources.NOARCH, platforms.current())
    ]
    digests = [files.sha256_of(path) for path in indexes if path is not None]
    return digest_of([ours, digests, channels.remote])


def _obstacle(recipe: Recipe, channels: PackageTestChannels) -> str | None:
    """Return why a package cannot be installed from these channels, None if nothing speaks against it."""
    if channels.remote:
        return (
            f"{NOT_TESTED}--offline does not allow access to {channels.remote[0]}"
            if channels.offline
            else None
        )
    available: set[str] = set()
    needs_of_own: dict[str, set[str]] = {}
    for folder in channels.folders:
        for _, _, entry in sources.entries(folder):
            name = str(entry["name"])
            available.add(name)
            if folder.url == channels.own:
                needs_of_own.setdefault(name, set()).update(names_of(entry.get("depends", ())))
    # The base channel has what its packages need; ours may need what it lacks.
    required = closure(names_of(recipe.requirements("run")), lambda name: needs_of_own.get(name, ()))
    missing = sorted(set(required) - available)
    if not missing:
        return None
    return f"{NOT_TESTED}{shortened(missing, SHOWN)} not in the base channel"


def _resolved(state: PackageState, channels: PackageTestChannels) -> list[Record]:
    """Return the records of all of a package's test environments."""
    from flowlock.lock.solver.metadata import ChannelMetadata
    from flowlock.lock.solver.solve import SolveRequest, solve_all

    own = state.identity.artifact
    platform = platforms.current()
    extra_specs = {specs for test in tests_of(state) for specs in _extra_specs(test)}
    requests = [
        SolveRequest(
            label=f"tests of {own.name}",
            subdir=platform,
            channels=(channels.own, *channels.channels),
            requirements=manifest_requirements([f"{own.name} =={own.version} {own.build}", *specs]),
            virtual_packages=virtual.target(platform).virtual_packages,
        )
        for specs in sorted(extra_specs)
    ]
    with ChannelMetadata(folders=channels.folders, offline=channels.offline) as metadata:
        solved = solve_all(requests, metadata)
    return list({record.url: record for records in solved for record in records}.values())


def _extra_specs(test: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield what each environment of a test holds in addition to the package, as rattler-build makes them."""
    python = test.get("python")
    if isinstance(python, Mapping):
        yield from _python_specs(python)
        return
    needs = test.get("requirements")
    needs = needs if isinstance(needs, Mapping) else {}
    yield tuple(map(str, needs.get("run") or ()))
    if needs.get("build"):
        yield tuple(map(str, needs["build"]))


def _python_specs(test: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield what a Python test asks for in each of its environments, one for each version of Python."""
    pip: tuple[str, ...] = ()
    if test.get("pip_check", True):
        pip = ("pip",)
    versions = test.get("python_version") or ()
    if isinstance(versions, str):
        versions = (versions,)
    if not versions:
        yield pip
    for version in versions:
        yield (*pip, f"python {version}")


def _failures(failed: Mapping[str, FlowlockError]) -> FlowlockError:
    first = next(iter(failed.values()))
    return FlowlockError(
        f"{len(failed)} packages failed their tests: {', '.join(failed)}",
        problems=[problem for error in failed.values() for problem in error.problems],
        detail=first.detail,
        hint=first.hint,
        kept="the artifacts in the cache; the channel, unchanged",
    )
