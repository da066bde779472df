"""`flowlock lock`: read, check, solve what is stale, write all the locks or none."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from flowlock.conda.match import RattlerMatcher, compare_versions
from flowlock.conda.records import Record
from flowlock.edges import files
from flowlock.errors import FlowlockError, Location, Problem, nearest
from flowlock.lock import formats, guard, plan, satisfy
from flowlock.lock.lockfile import diff, document
from flowlock.lock.lockfile.document import Lock, LockedEnvironment
from flowlock.lock.lockfile.platform_names import manifest_names, renamed
from flowlock.lock.manifest.model import Manifest
from flowlock.lock.plan import SolveGroup
from flowlock.lock.result import CURRENT, STALE, UPDATED, LockOptions, LockOutcome, LockResult, LockTarget
from flowlock.lock.satisfy import CurrentBuild, Rule, StaleReason
from flowlock.lock.solver.metadata import ChannelMetadata
from flowlock.lock.solver.solve import SolveRequest, UnsolvableError, solve_all
from flowlock.lock.solver.sources import ChannelFolder, snapshots
from flowlock.report.reporter import Progress

__all__ = ["CURRENT", "STALE", "UPDATED", "LockOptions", "LockOutcome", "LockResult", "LockTarget", "lock"]


def lock(
    targets: Sequence[LockTarget],
    *,
    folders: Sequence[ChannelFolder],
    own: Mapping[str, CurrentBuild],
    options: LockOptions,
    progress: Progress,
) -> LockResult:
    """Bring locks in step with their manifests and the workspace's current builds; all are written, or none.

    `folders` stand for channels (the local channel for the release channel, the embedded base, a snapshot);
    other channels are live, but asked only if a lock's own records with the current builds do not solve.
    `own` are the workspace's packages: what their sources make now. Only they decide which build is right.
    """
    if options.upgrade_format:
        return formats.upgrade(targets, options)
    matcher = RattlerMatcher()
    folders = [*folders, *_snapshots(targets, folders, options)]
    states = [_state(target, matcher, own, folders, options) for target in targets]
    _known_updates(states, options)
    if options.check:
        return LockResult(locks=tuple(_reported(state, STALE) for state in states))
    solved = _solve_stale(states, folders, own, options, progress)
    results = [_finished(state, solved) for state in states]
    for state, (new, _) in zip(states, results, strict=True):
        _accept(state, new, matcher, own)
    texts = [renamed(new, state.names).text() for state, (new, _) in zip(states, results, strict=True)]
    updated = [
        (state.target, text)
        for state, text, (_, result) in zip(states, texts, results, strict=True)
        if result.status == UPDATED
    ]
    for target, text in updated:
        formats.require_readable(text, target.shown)
    for target, text in [] if options.dry_run else updated:
        files.write_text(target.path, text)
    outcomes = [result for _, result in results]
    if options.dry_run:
        outcomes = [replace(o, status=STALE) if o.status == UPDATED else o for o in outcomes]
    return LockResult(locks=tuple(outcomes))


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    """A target with its old lock, why that is stale, and the solves that it needs.

    The lock has the manifest's names of platforms; `names` are those that the file has instead.
    """

    target: LockTarget
    chosen: Manifest
    old: Lock | None
    names: Mapping[str, str]
    reasons: tuple[StaleReason, ...]
    stale: tuple[SolveGroup, ...]


def _state(
    target: LockTarget,
    matcher: RattlerMatcher,
    own: Mapping[str, CurrentBuild],
    folders: Sequence[ChannelFolder],
    options: LockOptions,
) -> _State:
    manifest = target.manifest
    _validate(manifest, matcher, options)
    chosen = manifest.only(options.environments, options.platforms)
    names: dict[str, str] = {}
    old = None
    if target.path.exists():
        written = document.read(files.read_text(target.path, target.shown), target.shown)
        names = manifest_names(written, manifest.platforms())
        old = renamed(written, names)
    if old is None:
        message = f"there is no {target.path.name}"
        reasons = [StaleReason(rule=Rule.ENVIRONMENTS, label=manifest.label, message=message)]
        stale = plan.groups(chosen)
    else:
        found = satisfy.check(manifest, old, matcher=matcher, identities=own)
        found += guard.other_bytes(manifest, old, folders, own)
        reasons = _within(found, manifest, chosen)
        every = plan.groups(manifest)
        stale = plan.stale_groups(every, reasons)
        if options.moves:
            wanted = {(m.name, p.name) for m in chosen.environments for p in m.platforms}
            stale = [group for group in every if _moves(group, old, options, wanted) or group in stale]
    return _State(
        target=target,
        chosen=chosen,
        old=old,
        names={name: alias for alias, name in names.items()},
        reasons=tuple(reasons),
        stale=tuple(stale),
    )


def _snapshots(
    targets: Sequence[LockTarget], folders: Sequence[ChannelFolder], options: LockOptions
) -> list[ChannelFolder]:
    """Return the folders of --repodata, each for its channel."""
    standing = {folder.url.rstrip("/") for folder in folders}
    environments = [environment for target in targets for environment in target.manifest.environments]
    channels = [channel for environment in environments for channel in environment.channels]
    return snapshots(options.repodata, [url for url in channels if url.rstrip("/") not in standing])


def _validate(manifest: Manifest, matcher: RattlerMatcher, options: LockOptions) -> None:
    """Report every requirement that is no match spec, and selections that the manifest does not have."""
    problems = []
    for environment in manifest.environments:
        for requirements in (*environment.requirements.values(), *environment.constraints.values()):
            for requirement in requirements:
                try:
                    matcher.parse(requirement.spec)
                except ValueError as error:
                    problems.append(Problem(code="FL611", message=str(error), location=requirement.location))
    known = {environment.name for environment in manifest.environments}
    places = {name for p in manifest.platforms() for name in (p.name, p.subdir)}
    for kind, asked, there in (
        ("environment", options.environments, known),
        ("platform", options.platforms, places),
    ):
        problems += [
            Problem(
                code="FL614",
                message=f"{manifest.file} has no {kind} `{name}`",
                location=Location(file=manifest.file),
                hint=f"it has: {', '.join(sorted(there))}",
            )
            for name in asked
            if name not in there
        ]
    if problems:
        raise FlowlockError(f"{manifest.file} cannot be locked", problems=list(dict.fromkeys(problems)))


def _known_updates(states: Sequence[_State], options: LockOptions) -> None:
    """Refuse to move a package that no lock pins: it would look as if it had moved."""
    pinned = {record.name for state in states if state.old for _, _, record in state.old.records()}
    problems = [
        Problem(code="FL614", message=f"no lock pins `{name}`", hint=nearest(name, sorted(pinned)))
        for name in options.update
        if name not in pinned
    ]
    if problems:
        raise FlowlockError("--update names what is not locked", problems=problems)


def _within(reasons: Sequence[StaleReason], manifest: Manifest, chosen: Manifest) -> list[StaleReason]:
    """Return the reasons that concern what was chosen; all of them if everything was."""
    if chosen == manifest:
        return list(reasons)
    places = {(e.name, name) for e in chosen.environments for p in e.platforms for name in (p.name, p.subdir)}
    environments = {environment.name for environment in chosen.environments}
    return [
        reason
        for reason in reasons
        if reason.environment in environments
        and (reason.platform is None or (reason.environment, reason.platform) in places)
    ]


def _moves(group: SolveGroup, old: Lock, options: LockOptions, wanted: Collection[tuple[str, str]]) -> bool:
    if not any((member.name, group.platform.name) in wanted for member in group.members):
        return False
    return options.upgrade or bool(plan.had(group, old).keys() & set(options.update))


def _reported(state: _State, status: str) -> LockOutcome:
    return LockOutcome(
        path=state.target.shown, status=status if state.reasons else CURRENT, reasons=state.reasons
    )


_Solved = Mapping[tuple[str, str, str], Sequence[Record]]


def _solve_stale(
    states: Sequence[_State],
    folders: Sequence[ChannelFolder],
    own: Mapping[str, CurrentBuild],
    options: LockOptions,
    progress: Progress,
) -> _Solved:
    """Solve all stale groups of all targets at once; returns records by target path and group."""
    pending = [(state, group) for state in states for group in state.stale]
    for state, group in pending:
        _refuse_foreign(state, group)
    if not pending:
        return {}
    names = frozenset(own)
    requests = [_request(state, group, names, options) for state, group in pending]

    def done(request: SolveRequest, count: int) -> None:
        progress.working(f"solved {request.label}: {count} packages")

    with_locks = not options.moves and all(state.old is not None for state in states if state.stale)
    universe = {
        record.url: record for state, group in pending for name, record in plan.had(group, state.old).items()
    }
    guard.native_builds(requests, folders, names)
    known = [record for record in universe.values() if record.name not in names]
    sources = _Sources(folders=folders, universe=known if with_locks else None)
    solved = _offline_first(requests, sources, options, done)
    every = [record for records in solved for record in records]
    replaceable = {folder.url.rstrip("/") for folder in folders if folder.serves}
    fixed = {u: r for u, r in universe.items() if r.name in names or r.channel not in replaceable}
    guard.unchanged_artifacts(every, fixed)
    guard.true_to_files(every, folders, names)
    return {
        (str(state.target.path), *group.key): records
        for (state, group), records in zip(pending, solved, strict=True)
    }


def _request(state: _State, group: SolveGroup, own: Collection[str], options: LockOptions) -> SolveRequest:
    first = group.members[0]
    # A locked record is a candidate even where no channel has it, so one that nothing serves must go.
    gone = {reason.package for reason in state.reasons if reason.rule is Rule.BYTES}
    moved = set(plan.had(group, state.old)) if options.upgrade else gone.union(options.update)
    return SolveRequest(
        label=f"{state.target.manifest.label}/{group.name}/{group.platform.name}",
        subdir=group.platform.subdir,
        channels=group.channels(),
        requirements=group.requirements(),
        constraints=group.constraints(),
        virtual_packages=group.platform.virtual_packages,
        locked=plan.preferred(group, state.old, own, moved),
        strategy=first.strategy,
        priority=first.priority,
        exclude_newer=first.exclude_newer,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sources:
    """Where records come from: folders, and the locks' own by URL if a solve may do with those."""

    folders: Sequence[ChannelFolder]
    universe: Sequence[Record] | None


def _offline_first(
    requests: Sequence[SolveRequest],
    sources: _Sources,
    options: LockOptions,
    done: Callable[[SolveRequest, int], None],
) -> list[list[Record]]:
    """Solve from the locks' own records and the folders; ask live channels only if that cannot be."""
    standing = {folder.url.rstrip("/") for folder in sources.folders}
    live = {c for request in requests for c in request.channels if c.rstrip("/") not in standing}
    jobs = options.jobs or None
    if live and sources.universe is not None:
        try:
            with ChannelMetadata(folders=sources.folders, offline=True) as metadata:
                metadata.stand_in(sorted(live), sources.universe)
                return solve_all(requests, metadata, jobs=jobs, on_done=done)
        except UnsolvableError as error:
            if options.offline:
                raise _needs_metadata(error, live) from error
    with ChannelMetadata(folders=sources.folders, offline=options.offline, cache=options.cache) as metadata:
        return solve_all(requests, metadata, jobs=jobs, on_done=done)


def _needs_metadata(error: UnsolvableError, live: Collection[str]) -> FlowlockError:
    return FlowlockError(
        f"{error.message}, from the lock's own records and the current builds alone",
        code="FL622",
        detail=error.detail,
        hint=f"run without --offline, or give --repodata DIR with the metadata of {', '.join(sorted(live))}",
        kept="the lock that was there",
    )


def _refuse_foreign(state: _State, group: SolveGroup) -> None:
    for member in group.members:
        pins = state.old.environments.get(member.name) if state.old else None
        if pins is not None and pins.foreign:
            raise FlowlockError(
                f"{state.target.shown} pins packages in {member.name} that are not conda archives; flowlock"
                " neither locks nor drops them",
                code="FL604",
                location=Location(file=state.target.shown, line=_line_of_foreign(state.target, pins)),
                hint="lock with pixi, or delete the lock if those packages are no longer wanted",
            )


def _line_of_foreign(target: LockTarget, pins: LockedEnvironment) -> int | None:
    """Return the line of the first package in an environment that is no conda archive."""
    selectors = [selector for row in pins.foreign.values() for selector in row]
    return document.line_of_selector(files.read_text(target.path, target.shown), selectors[0])


def _accept(state: _State, new: Lock, matcher: RattlerMatcher, own: Mapping[str, CurrentBuild]) -> None:
    """Refuse to write a lock that our own check would call stale at once."""
    found = satisfy.check(state.target.manifest, new, matcher=matcher, identities=own)
    problems = [
        Problem(code="FL628", message=str(reason))
        for reason in _within(found, state.target.manifest, state.chosen)
    ]
    if problems:
        pins = any(reason.rule is Rule.PIN for reason in found)
        raise FlowlockError(
            f"{state.target.shown} would be stale as soon as it is written",
            problems=problems,
            hint="run `flowlock build` first" if pins else "see the reasons above",
            kept="the lock that was there",
        )


def _finished(state: _State, solved: _Solved) -> tuple[Lock, LockOutcome]:
    """Return the new lock and what is to be told of it."""
    path = str(state.target.path)
    ours = {key[1:]: records for key, records in solved.items() if key[0] == path}
    if state.old is not None and not ours and not state.reasons:
        return state.old, LockOutcome(path=state.target.shown, status=CURRENT)
    new = plan.assembled(state.target.manifest, state.old, ours, state.chosen)
    if new == state.old:
        return new, LockOutcome(path=state.target.shown, status=CURRENT, reasons=state.reasons)
    return new, LockOutcome(
        path=state.target.shown,
        status=UPDATED,
        reasons=state.reasons,
        changes=diff.changes(state.old, new, compare_versions),
        places=diff.everywhere(state.old, new),
    )
