"""The build: what is stale, in which order it is built, and its way into cache and channel."""

import os
from collections.abc import Mapping, Sequence

from flowlock import channel
from flowlock.build import plan
from flowlock.build.cache import Cache, Cached
from flowlock.build.jobs import Job, Made, Place, Workers, forget_leftovers
from flowlock.build.result import BuildResult, PackageResult
from flowlock.build.stale import Step, cache_of, steps
from flowlock.build.targets import Target, chosen, targets
from flowlock.errors import FlowlockError, Problem
from flowlock.report import Progress
from flowlock.workspace import Workspace


def build(
    workspace: Workspace,
    names: Sequence[str] = (),
    *,
    environments: Sequence[str],
    jobs: int | None = None,
    dry_run: bool = False,
    progress: Progress,
) -> BuildResult:
    """Build the named packages and what they need (all, if none is named), as far as they are stale.

    `environments` are the channels that build environments come from. The caller holds the workspace. If a
    build fails the channel stays as it was, what was built is kept in the cache, and one FlowlockError tells
    of all failures.
    """
    known = targets(workspace)
    graph = {name: plan.needs(target.recipe, known) for name, target in known.items()}
    order = plan.order(graph)
    wanted = plan.closure(chosen(names, workspace, known), graph)
    cache = cache_of(workspace)
    found = steps(workspace, {name: known[name] for name in order if name in wanted}, cache)
    stale = {name: step for name, step in found.items() if step.cached is None}
    if dry_run:
        return BuildResult(packages=tuple(_result(step, None) for step in found.values()), dry_run=True)
    made: dict[str, tuple[Cached, float]] = {}
    if stale:
        progress.working(f"building {', '.join(stale)}")
        workers = _workers(workspace, jobs or _cores())
        pending = {name: _job(workspace, step, environments) for name, step in stale.items()}
        waits = {name: set(graph[name]) & _build_needs(step.target) for name, step in stale.items()}
        failed: dict[str, FlowlockError] = {}
        for name, outcome in workers.run(pending, waits):
            try:
                made[name] = _kept(cache, stale[name], outcome)
            except FlowlockError as error:
                failed[name] = error
            progress.working(f"{name} {'failed' if name in failed else 'built'}")
        if failed:
            raise _failures(failed, graph, stale, sorted(made))
    _enter(workspace, known, found, {name: cached for name, (cached, _) in made.items()})
    cache.save()
    return BuildResult(packages=tuple(_result(step, made.get(name)) for name, step in found.items()))


def _workers(workspace: Workspace, jobs: int) -> Workers:
    place = Place(
        work=workspace.state / "tmp",
        logs=workspace.state / "logs",
        packages=workspace.state / "cache" / "packages",
    )
    forget_leftovers(place.work)
    return Workers(place, jobs=jobs)


def _job(workspace: Workspace, step: Step, environments: Sequence[str]) -> Job:
    return Job(
        recipe=step.target.recipe,
        identity=step.identity,
        sources=step.sources,
        epoch=workspace.epoch,
        channels=tuple(environments),
    )


def _build_needs(target: Target) -> set[str]:
    specs = (*target.recipe.requirements("host"), *target.recipe.requirements("build"))
    return {spec.split()[0] for spec in specs}


def _kept(cache: Cache, step: Step, outcome: Made | FlowlockError) -> tuple[Cached, float]:
    if isinstance(outcome, FlowlockError):
        raise outcome
    inputs = dict(step.inputs)
    surroundings = inputs.pop("surroundings")
    portable = step.target.recipe.noarch is not None
    cached = cache.add(
        step.identity, outcome.data, inputs=inputs, surroundings=surroundings, portable=portable
    )
    return cached, outcome.seconds


def _failures(
    failed: Mapping[str, FlowlockError],
    graph: Mapping[str, frozenset[str]],
    stale: Mapping[str, Step],
    made: Sequence[str],
) -> FlowlockError:
    """Return one error of all failures, and of the packages that are blocked by them."""
    blocked = {
        name: sorted(plan.closure([name], graph) & failed.keys()) for name in stale if name not in failed
    }
    problems = [problem for error in failed.values() for problem in error.problems]
    problems += [
        Problem(code="FL533", message=f"{name} is blocked: it needs {', '.join(needed)}")
        for name, needed in blocked.items()
        if needed
    ]
    first = next(iter(failed.values()))
    kept = f"{', '.join(made)} in the cache; " if made else ""
    return FlowlockError(
        f"{len(failed)} of {len(stale)} packages cannot be built: {', '.join(failed)}",
        problems=problems,
        detail=first.detail,
        hint=first.hint,
        kept=f"{kept}the channel as it was",
    )


def _enter(
    workspace: Workspace,
    known: Mapping[str, Target],
    found: Mapping[str, Step],
    made: Mapping[str, Cached],
) -> None:
    """Make the channel hold the current builds, and of packages not asked for what it held."""
    folder = workspace.state / "channel"
    artifacts = [
        channel.Artifact(
            subdir=step.identity.subdir, file=step.identity.file, sha256=held.sha256, origin=held.path
        )
        for name, step in found.items()
        if (held := made.get(name, step.cached)) is not None
    ]
    artifacts += [
        channel.Artifact(
            subdir=entry.subdir,
            file=entry.file,
            sha256=entry.sha256,
            origin=folder / entry.subdir / entry.file,
        )
        for entry in channel.entries(folder)
        if entry.name in known and entry.name not in found
    ]
    channel.put(folder, artifacts, subdirs=workspace.platforms, cache=workspace.state / "cache")


def _result(step: Step, made: tuple[Cached, float] | None) -> PackageResult:
    held = made[0] if made else step.cached
    return PackageResult(
        name=step.identity.name,
        version=step.identity.version,
        build=step.identity.build,
        file=step.identity.file,
        sha256=held.sha256 if held else None,
        status=step.status,
        seconds=made[1] if made else 0.0,
        reason=step.reason,
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
