"""`flowlock lock`: read and check locks, solve what is stale, write all the locks or none."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from flowlock.conda.match import RattlerMatcher, compare_versions
from flowlock.conda.records import Record
from flowlock.edges import files
from flowlock.edges.amounts import Tally
from flowlock.errors import FlowlockError, Location, Problem
from flowlock.lock import formats, guard, satisfy, solve_plan
from flowlock.lock.lockfile import diff, document
from flowlock.lock.lockfile.document import Lock, LockedEnvironment
from flowlock.lock.lockfile.platform_names import renamed
from flowlock.lock.result import CURRENT, STALE, UPDATED, LockOptions, LockOutcome, LockResult, LockTarget
from flowlock.lock.satisfy import CurrentBuild, Rule
from flowlock.lock.solve_plan import SolveGroup
from flowlock.lock.solver.offline import SolveSources, solve_offline_first
from flowlock.lock.solver.solve import SolveRequest
from flowlock.lock.solver.sources import KEPT, ChannelFolder, snapshots
from flowlock.lock.state import TargetState, read_state, require_pinned, within_selection
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
    """Bring locks in sync with their manifests and the workspace's current builds; all are written, or none.

    `folders` stand for channels (the local channel for the release channel, the embedded base, a snapshot).
    Other channels are live: they are queried only if the locks' own records and the current builds do not
    solve. `own` are the current builds of the workspace's packages. Only they decide which build is right.
    """
    if options.upgrade_format:
        return formats.upgrade(targets, options)
    matcher = RattlerMatcher()
    folders = [*folders, *_snapshots(targets, folders, options)]
    states = [read_state(target, matcher, own, folders, options) for target in targets]
    require_pinned(states, options)
    if options.check:
        return LockResult(locks=tuple(map(_checked, states)))
    solved = _solve_stale(states, folders, own, options, progress)
    relocks = [_relock(state, solved) for state in states]
    for relock in relocks:
        _require_current(relock, matcher, own)
    texts = _updated_texts(relocks)
    if options.dry_run:
        return LockResult(locks=tuple(_not_written(relock.outcome) for relock in relocks))
    for target, text in texts:
        files.write_text(target.path, text)
    return LockResult(locks=tuple(relock.outcome for relock in relocks))


def _snapshots(
    targets: Sequence[LockTarget], folders: Sequence[ChannelFolder], options: LockOptions
) -> list[ChannelFolder]:
    """Return the folders of --repodata, each for its channel."""
    mirrored = {folder.url.rstrip("/") for folder in folders}
    environments = [environment for target in targets for environment in target.manifest.environments]
    channels = [channel for environment in environments for channel in environment.channels]
    return snapshots(options.repodata, [url for url in channels if url.rstrip("/") not in mirrored])


def _checked(state: TargetState) -> LockOutcome:
    status = STALE if state.reasons else CURRENT
    return LockOutcome(path=state.target.shown, status=status, reasons=state.reasons)


def _not_written(outcome: LockOutcome) -> LockOutcome:
    """Return the outcome of a dry run: a lock that would be updated stays stale."""
    return replace(outcome, status=STALE) if outcome.status == UPDATED else outcome


# Records by target path, group and platform.
_Solved = Mapping[tuple[str, str, str], Sequence[Record]]


def _solve_stale(
    states: Sequence[TargetState],
    folders: Sequence[ChannelFolder],
    own: Mapping[str, CurrentBuild],
    options: LockOptions,
    progress: Progress,
) -> _Solved:
    """Solve all stale groups of all targets at once; returns records by target path and group."""
    pending = [(state, group) for state in states for group in state.to_solve]
    for state, group in pending:
        _refuse_foreign(state, group)
    if not pending:
        return {}
    names = frozenset(own)
    requests = [_request(state, group, names, options) for state, group in pending]
    guard.native_builds(requests, folders, names)
    pinned = _pinned_by_url(pending)
    sources = SolveSources(
        folders=folders,
        locked=_candidates(states, pinned, names, options),
        offline=options.offline,
        cache=options.cache,
    )

    tally = Tally(len(requests))

    def report(request: SolveRequest, count: int) -> None:
        progress.working(f"solved {tally.add()}: {request.label}, {count} packages")

    solutions = solve_offline_first(requests, sources, jobs=options.jobs or None, on_done=report)
    solved = [record for records in solutions for record in records]
    guard.unchanged_artifacts(solved, _published(pinned, folders, names))
    guard.metadata_matches_files(solved, folders, names)
    return {
        (str(state.target.path), *group.key): records
        for (state, group), records in zip(pending, solutions, strict=True)
    }


def _pinned_by_url(pending: Sequence[tuple[TargetState, SolveGroup]]) -> dict[str, Record]:
    """Return what the old locks pin for the groups to solve."""
    return {
        record.url: record
        for state, group in pending
        for record in solve_plan.pinned_records(group, state.old).values()
    }


def _candidates(
    states: Sequence[TargetState],
    pinned: Mapping[str, Record],
    own: Collection[str],
    options: LockOptions,
) -> list[Record] | None:
    """Return the pinned records that a solve may choose from instead of live channels.

    None if live channels are needed: to move pins, or because a target has no lock yet.
    """
    has_locks = all(state.old is not None for state in states if state.to_solve)
    if options.moves or not has_locks:
        return None
    return [record for record in pinned.values() if record.name not in own]


def _published(
    pinned: Mapping[str, Record], folders: Sequence[ChannelFolder], own: Collection[str]
) -> dict[str, Record]:
    """Return the pins whose artifacts must not change, by URL.

    What a folder serves may have been built again (the embedded base, say). Workspace packages never change:
    their build string has the digest of their inputs.
    """
    rebuilt_channels = {folder.url.rstrip("/") for folder in folders if folder.serves}
    return {
        url: record
        for url, record in pinned.items()
        if record.name in own or record.channel not in rebuilt_channels
    }


def _request(
    state: TargetState, group: SolveGroup, own: Collection[str], options: LockOptions
) -> SolveRequest:
    first = group.members[0]
    return SolveRequest(
        label=f"{state.target.manifest.label}/{group.name}/{group.platform.name}",
        subdir=group.platform.subdir,
        channels=group.channels(),
        requirements=group.requirements(),
        constraints=group.constraints(),
        virtual_packages=group.platform.virtual_packages,
        locked=solve_plan.preferred(group, state.old, own, _moved_names(state, group, options)),
        strategy=first.strategy,
        priority=first.priority,
        exclude_newer=first.exclude_newer,
    )


def _moved_names(state: TargetState, group: SolveGroup, options: LockOptions) -> set[str]:
    """Return the packages whose pins the solver must not keep."""
    if options.upgrade:
        return set(solve_plan.pinned_records(group, state.old))
    # The solver takes a locked record even where no channel has it, so one that nothing serves must go.
    unserved = {reason.package for reason in state.reasons if reason.package and reason.rule is Rule.BYTES}
    return unserved.union(options.update)


def _refuse_foreign(state: TargetState, group: SolveGroup) -> None:
    if state.old is None:
        return
    for member in group.members:
        pins = state.old.environments.get(member.name)
        if pins is not None and pins.foreign:
            raise FlowlockError(
                f"{state.target.shown} pins packages in {member.name} that are not conda archives;"
                " flowlock cannot lock them and does not remove them",
                code="FL604",
                location=Location(file=state.target.shown, line=_line_of_foreign(state.target, pins)),
                hint="lock with pixi, or delete the lock if those packages are no longer wanted",
            )


def _line_of_foreign(target: LockTarget, pins: LockedEnvironment) -> int | None:
    """Return the line of the first package in an environment that is not a conda archive."""
    selectors = [selector for row in pins.foreign.values() for selector in row]
    return document.line_of_selector(files.read_text(target.path, target.shown), selectors[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Relock:
    """A target's new lock, which has the manifest's names of platforms, and how it differs from the old."""

    state: TargetState
    lock: Lock
    outcome: LockOutcome

    def text(self) -> str:
        """Return the file's text, with the names of platforms that the old file had."""
        return renamed(self.lock, self.state.written_names).text()


def _updated_texts(relocks: Sequence[_Relock]) -> list[tuple[LockTarget, str]]:
    """Return the texts of the locks to write; raises FlowlockError if pixi could not read one."""
    updated = [relock for relock in relocks if relock.outcome.status == UPDATED]
    texts = [(relock.state.target, relock.text()) for relock in updated]
    for target, text in texts:
        formats.require_readable(text, target.shown)
    return texts


def _relock(state: TargetState, solved: _Solved) -> _Relock:
    path = str(state.target.path)
    by_group = {key[1:]: records for key, records in solved.items() if key[0] == path}
    current = LockOutcome(path=state.target.shown, status=CURRENT, reasons=state.reasons)
    if state.old is not None and not by_group and not state.reasons:
        return _Relock(state=state, lock=state.old, outcome=current)
    new = solve_plan.assembled(state.target.manifest, state.old, by_group, state.selected)
    if new == state.old:
        return _Relock(state=state, lock=new, outcome=current)
    updated = replace(
        current,
        status=UPDATED,
        changes=diff.changes(state.old, new, compare_versions),
        platforms=diff.platforms_by_environment(state.old, new),
    )
    return _Relock(state=state, lock=new, outcome=updated)


def _require_current(relock: _Relock, matcher: RattlerMatcher, own: Mapping[str, CurrentBuild]) -> None:
    """Refuse to write a lock that the next check would call stale."""
    target = relock.state.target
    reasons = satisfy.check(target.manifest, relock.lock, matcher=matcher, identities=own)
    selected = within_selection(reasons, target.manifest, relock.state.selected)
    if not selected:
        return
    pins_old_build = any(reason.rule is Rule.PIN for reason in reasons)
    raise FlowlockError(
        f"{target.shown} would be out of date immediately",
        problems=[Problem(code="FL628", message=str(reason)) for reason in selected],
        hint="run `flowlock build` first" if pins_old_build else "see the reasons above",
        kept=KEPT,
    )
