"""The build: what is stale, in which order it is built, and its way into cache and channel."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from flowlock.builder.build_session import BuildSession, held_artifact, start_session
from flowlock.builder.contents.remarks import NO_REMARKS
from flowlock.builder.environments.locked import LockedBuildEnvironments
from flowlock.builder.output import refuse_foreign, write_output
from flowlock.builder.plan.cache import Cache, CachedArtifact
from flowlock.builder.plan.order import most_awaited_first
from flowlock.builder.plan.result import BuildResult, BuildStatus, JobResult, PackageResult
from flowlock.builder.plan.snapshot import WorkspaceSnapshot
from flowlock.builder.plan.stale import PackageState
from flowlock.builder.plan.targets import BuildTarget
from flowlock.builder.verify import verify as check
from flowlock.builder.worker.job_runner import WorkerFolders, tidy
from flowlock.builder.worker.workers import Workers
from flowlock.channel import store
from flowlock.conda.closure import closure
from flowlock.edges import files
from flowlock.edges.amounts import Tally
from flowlock.errors import FlowlockError, Problem
from flowlock.report.reporter import Progress
from flowlock.workspace import Workspace


def build(
    snapshot: WorkspaceSnapshot,
    *,
    environments: Sequence[str],
    lock: Callable[[Mapping[str, BuildTarget]], LockedBuildEnvironments] | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
    verify: bool = False,
    test: bool = False,
    output: Path | None = None,
    offline: bool = False,
    progress: Progress,
) -> BuildResult:
    """Build the stale packages of a snapshot.

    `environments` are the channels that build environments come from; a package whose environment `lock`
    knows gets exactly its records. The caller holds the workspace. If a build fails the channel stays as it
    was, what was built is kept in the cache, and one FlowlockError reports all failures. With `verify` every
    portable package is also built again elsewhere, and compared; with `test` the packages' own tests are run
    where they are due; with `output` that folder becomes a copy of the channel with a manifest of digests.
    """
    if output is not None:
        refuse_foreign(output)
    session = start_session(
        snapshot,
        environments=environments,
        lock=lock,
        offline=offline,
        progress=progress,
    )
    if dry_run:
        planned = tuple(_result(state, None) for state in session.states.values())
        return BuildResult(packages=planned, dry_run=True)
    at_once = jobs or _cores()
    session.cache.tidy()
    with _workers(snapshot.workspace, at_once) as workers:
        built = _build(workers, session)
        held = {**session.cached, **{key: cached for key, (cached, _) in built.items()}}
        if verify:
            _verify(session, held, jobs=at_once)
        outcomes = session.test(workers, held) if test else {}
    mended = _enter(session, held)
    session.cache.save()
    if output is not None:
        workspace = snapshot.workspace
        write_output(output, workspace.state.channel, wheels=workspace.package_names)
    packages = tuple(
        _result(state, built.get(key), outcomes.get(key, "")) for key, state in session.states.items()
    )
    return BuildResult(packages=packages, mended=mended)


def _build(workers: Workers, session: BuildSession) -> dict[str, tuple[CachedArtifact, float]]:
    """Build what is stale; failures are gathered, and raised as one when the rest has ended."""
    stale = {key: state for key, state in session.states.items() if state.cached is None}
    if stale:
        session.progress.note(f"building {', '.join(stale)}")
    available = session.cached
    for state in stale.values():
        session.fetched(state.target)
    built: dict[str, tuple[CachedArtifact, float]] = {}
    failed: dict[str, FlowlockError] = {}
    tally = Tally(len(stale))
    for name, outcome in workers.run(_waits_for(session, stale), lambda name: session.job(name, available)):
        try:
            built[name] = _kept(session.cache, stale[name], outcome)
            available[name] = built[name][0]
        except FlowlockError as error:
            failed[name] = error
        session.progress.working(f"{tally.add()}: {name} {'failed' if name in failed else 'built'}")
    if failed:
        session.cache.save()
        raise _failures(failed, session.snapshot.graph, stale, sorted(built))
    return built


def _waits_for(session: BuildSession, stale: Mapping[str, PackageState]) -> dict[str, set[str]]:
    """Return which stale packages each one waits for, in the order in which they are best started."""
    waits_for = {name: session.needs(name) & stale.keys() for name in stale}
    # Each file is copied and installed several times over: their number tells how long a build takes.
    sizes = {name: len(state.package.sources.files) for name, state in stale.items()}
    return {name: waits_for[name] for name in most_awaited_first(waits_for, sizes)}


def _verify(session: BuildSession, held: Mapping[str, CachedArtifact], *, jobs: int) -> None:
    """Build every portable package again, and compare."""
    portable = [key for key, state in session.states.items() if state.target.recipe.noarch]
    again = {key: session.job(key, held) for key in portable}
    built = {key: cached.path for key, cached in held.items()}
    check(again, built, folder=session.workspace.state.second_builds, jobs=jobs, progress=session.progress)


@contextmanager
def _workers(workspace: Workspace, jobs: int) -> Iterator[Workers]:
    """Yield workers; remove first what a killed build left, and afterwards what was made for their jobs."""
    folders = WorkerFolders(
        # Resolved, as a sandbox mounts it: it would show by one path what it hides by another.
        root=workspace.state.workers.resolve(),
        logs=workspace.state.logs,
        record=workspace.state.unpacked_digests,
    )
    for folder in (workspace.state.build_channels, workspace.state.second_builds):
        files.remove(folder)
    tidy(folders)
    files.forget_temporaries(folders.logs)
    try:
        yield Workers(folders, jobs=jobs)
    finally:
        files.remove(workspace.state.build_channels)


def _kept(
    cache: Cache, state: PackageState, outcome: JobResult | FlowlockError
) -> tuple[CachedArtifact, float]:
    if isinstance(outcome, FlowlockError):
        raise outcome
    inputs = state.package.inputs.as_json()
    portable = state.target.recipe.noarch is not None
    cached = cache.add(
        state.identity, outcome, inputs=inputs, surroundings=state.surroundings, portable=portable
    )
    return cached, outcome.seconds


def _failures(
    failed: Mapping[str, FlowlockError],
    graph: Mapping[str, frozenset[str]],
    stale: Mapping[str, PackageState],
    built: Sequence[str],
) -> FlowlockError:
    """Return one error of all failures, and of the packages that are blocked by them."""
    blocked = {
        name: sorted(failed.keys() & closure([name], graph.__getitem__))
        for name in stale
        if name not in failed
    }
    problems = [problem for error in failed.values() for problem in error.problems]
    problems += [
        Problem(code="FL533", message=f"{name} is blocked by {', '.join(needed)}")
        for name, needed in blocked.items()
        if needed
    ]
    first = next(iter(failed.values()))
    kept = f"{', '.join(built)} in the cache; " if built else ""
    return FlowlockError(
        f"{len(failed)} of {len(stale)} packages cannot be built: {', '.join(failed)}",
        problems=problems,
        detail=first.detail,
        hint=first.hint,
        kept=f"{kept}the channel, unchanged",
    )


def _enter(session: BuildSession, held: Mapping[str, CachedArtifact]) -> bool:
    """Make the channel hold the current builds, and of other packages of the workspace what it held."""
    workspace = session.workspace
    folder, cache = workspace.state.channel, workspace.state.cache
    whole = store.whole(folder, cache=cache)
    artifacts = [held_artifact(held[name]) for name in session.states]
    current = {state.target.name for state in session.states.values()}
    others = {target.name for target in session.snapshot.targets.values()} - current
    artifacts += [
        store.ChannelArtifact(artifact=entry.artifact, origin=folder / entry.artifact.path)
        for entry in store.entries(folder)
        if entry.artifact.name in others and entry.artifact.path in whole
    ]
    changed = store.put(folder, artifacts, subdirs=workspace.platforms, cache=cache)
    for state in session.states.values():
        if state.status is not BuildStatus.CURRENT:
            session.cache.entered(state.target.name, state.inputs)
    return changed


def _result(
    state: PackageState, built: tuple[CachedArtifact, float] | None, tests: str = ""
) -> PackageResult:
    held = built[0] if built else state.cached
    return PackageResult(
        artifact=held.artifact if held else state.identity.artifact,
        status=state.status,
        seconds=built[1] if built else 0.0,
        reason=state.reason if state.status is not BuildStatus.CACHED else "it was not in the channel",
        tests=tests,
        remarks=held.remarks if held else NO_REMARKS,
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
