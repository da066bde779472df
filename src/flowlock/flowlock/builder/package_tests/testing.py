"""Tests of packages (recipe `tests:`): run in the environment that users get, again when that changes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flowlock.builder.environments.locked import Store, offer, packages_digest
from flowlock.builder.package_tests.bench import Bench
from flowlock.builder.package_tests.tested import Tested
from flowlock.builder.plan.cache import Cached
from flowlock.builder.plan.order import names_of
from flowlock.builder.plan.result import Made
from flowlock.builder.plan.stale import PackageState
from flowlock.builder.worker.jobs import TestJob
from flowlock.builder.worker.workers import Workers
from flowlock.conda import platforms, virtual
from flowlock.conda.closure import closure
from flowlock.conda.match_spec import name_of
from flowlock.conda.records import Record
from flowlock.edges import files
from flowlock.edges.memo import digest_of
from flowlock.errors import FlowlockError
from flowlock.lock.manifest.model import ManifestRequirement
from flowlock.lock.solver import sources
from flowlock.recipe.document import Recipe
from flowlock.report.reporter import Progress

PASSED, KEPT = "passed", "passed before"
NOT_TESTED = "not tested: "
SHOWN = 4


def run(
    workers: Workers,
    found: Mapping[str, PackageState],
    held: Mapping[str, Cached],
    *,
    graph: Mapping[str, frozenset[str]],
    bench: Bench,
    tested: Tested,
    progress: Progress,
) -> dict[str, str]:
    """Run the tests that are due, and return how each package's stand: passed, passed before, or not tested.

    A package whose run requirements no channel has is not tested, and the outcome names them. Tests that fail
    are one FlowlockError for all, with the tail of the first one's log.
    """
    outcomes: dict[str, str] = {}
    due: dict[str, TestJob] = {}
    environments: dict[str, str] = {}
    looked = {name: _inputs(name, held, graph, bench) for name, step in found.items() if tests_of(step)}
    for name, inputs in looked.items():
        known = tested.look(name, inputs)
        if known is None:
            bench.lay_out()
            known = _untestable(found[name].target.recipe, bench)
        if known is None:
            records = _resolved(found[name], bench)
            environments[name] = packages_digest(records)
            known = KEPT if tested.passed(held[name].artifact.known_sha256, environments[name]) else None
            if known is None:
                store = bench.store(progress)
                due[name] = _job(found[name], held[name], records, bench.work, store)
        if known is not None:
            outcomes[name] = known
            tested.keep_look(name, inputs, known)
    failed: dict[str, FlowlockError] = {}
    for name, outcome in workers.run({name: set() for name in due}, due.__getitem__):
        if isinstance(outcome, Made):
            tested.keep_pass(held[name].artifact.known_sha256, environments[name])
            tested.keep_look(name, looked[name], KEPT)
            outcomes[name] = PASSED
        else:
            failed[name] = outcome
        progress.working(f"tests of {name} {'failed' if name in failed else 'passed'}")
    tested.save(graph.keys())
    if failed:
        raise _failures(failed)
    return outcomes


def tests_of(step: PackageState) -> list[Mapping[str, Any]]:
    """Return the entries of a recipe's `tests`."""
    found = step.target.recipe.document.get("tests") or ()
    return [found] if isinstance(found, Mapping) else list(found)


def _inputs(name: str, held: Mapping[str, Cached], graph: Mapping[str, frozenset[str]], bench: Bench) -> str:
    """Return the digest of what decides an environment, as far as it is on this machine."""
    ours = {need: held[need].artifact.known_sha256 for need in sorted(closure([name], graph.__getitem__))}
    indexes = [
        folder.repodata(subdir)
        for folder in bench.folders
        if folder.url != bench.own
        for subdir in (sources.NOARCH, platforms.current())
    ]
    known = [files.sha256_of(path) for path in indexes if path is not None]
    return digest_of([ours, known, bench.live])


def _untestable(recipe: Recipe, bench: Bench) -> str | None:
    """Return why a package cannot be installed from these channels, None if nothing speaks against it."""
    if bench.live:
        return f"{NOT_TESTED}--offline forbids to ask {bench.live[0]}" if bench.offline else None
    known = {str(entry["name"]) for folder in bench.folders for _, _, entry in sources.entries(folder)}
    missing = sorted(names_of(recipe.requirements("run")) - known)
    if not missing:
        return None
    more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    return f"{NOT_TESTED}{', '.join(missing[:SHOWN])}{more} not in the base channel"


def _resolved(step: PackageState, bench: Bench) -> list[Record]:
    """Return the records of all of a package's test environments."""
    from flowlock.lock.solver.metadata import ChannelMetadata
    from flowlock.lock.solver.solve import SolveRequest, solve_all

    own = step.identity.artifact
    platform = platforms.current()
    asked = [f"{own.name} =={own.version} {own.build}"]
    requests = [
        SolveRequest(
            label=f"tests of {own.name}",
            subdir=platform,
            channels=(bench.own, *bench.channels),
            requirements=tuple(
                ManifestRequirement(name=name_of(spec), spec=spec) for spec in (*asked, *more)
            ),
            virtual_packages=virtual.target(platform).virtual_packages,
        )
        for more in sorted({more for test in tests_of(step) for more in _extra(test)})
    ]
    with ChannelMetadata(folders=bench.folders, offline=bench.offline) as metadata:
        solved = solve_all(requests, metadata)
    return list({record.url: record for records in solved for record in records}.values())


def _extra(test: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield what each environment of a test holds besides the package, as rattler-build makes them."""
    python = test.get("python")
    if isinstance(python, Mapping):
        versions = python.get("python_version") or ()
        pip = ("pip",) if python.get("pip_check", True) else ()
        given = [versions] if isinstance(versions, str) else list(versions)
        yield from ([(*pip, f"python {one}") for one in given] or [pip])
        return
    needs = test.get("requirements")
    needs = needs if isinstance(needs, Mapping) else {}
    yield tuple(map(str, needs.get("run") or ()))
    if needs.get("build"):
        yield tuple(map(str, needs["build"]))


def _job(step: PackageState, held: Cached, records: Sequence[Record], work: Path, store: Store) -> TestJob:
    given = offer(records, work / step.identity.artifact.stem, store=store, platform=platforms.current())
    return TestJob(identity=step.identity, artifact=held.path, offer=given)


def _failures(failed: Mapping[str, FlowlockError]) -> FlowlockError:
    first = next(iter(failed.values()))
    return FlowlockError(
        f"{len(failed)} packages fail their tests: {', '.join(failed)}",
        problems=[problem for error in failed.values() for problem in error.problems],
        detail=first.detail,
        hint=first.hint,
        kept="the artifacts in the cache; the channel as it was",
    )
