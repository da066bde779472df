"""The state that a run of `flowlock lock` begins with: old locks, why they are stale, and what to solve."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from flowlock.conda.match import RattlerMatcher
from flowlock.edges import files
from flowlock.errors import FlowlockError, Location, Problem, nearest
from flowlock.lock import guard, satisfy, solve_plan
from flowlock.lock.lockfile import document
from flowlock.lock.lockfile.document import Lock
from flowlock.lock.lockfile.platform_names import manifest_names, renamed
from flowlock.lock.manifest.model import Manifest
from flowlock.lock.result import LockOptions, LockTarget
from flowlock.lock.satisfy import CurrentBuild, Rule, StaleReason
from flowlock.lock.solve_plan import SolveGroup
from flowlock.lock.solver.sources import ChannelFolder


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetState:
    """A target with its old lock, why that is stale, and the groups to solve.

    `selected` is the part of the manifest that this run may change. The lock has the manifest's names of
    platforms; `written_names` maps them to the names in the file.
    """

    target: LockTarget
    selected: Manifest
    old: Lock | None
    written_names: Mapping[str, str]
    reasons: tuple[StaleReason, ...]
    to_solve: tuple[SolveGroup, ...]


def read_state(
    target: LockTarget,
    matcher: RattlerMatcher,
    own: Mapping[str, CurrentBuild],
    folders: Sequence[ChannelFolder],
    options: LockOptions,
) -> TargetState:
    """Read a target's lock and check it against its manifest; raises FlowlockError for a wrong manifest."""
    manifest = target.manifest
    _require_valid(manifest, matcher, options)
    selected = manifest.only(options.environments, options.platforms)
    if not target.path.exists():
        return _missing_lock(target, selected)
    written = document.read(files.read_text(target.path, target.shown), target.shown)
    names = manifest_names(written, manifest.platforms())
    old = renamed(written, names)
    reasons = satisfy.check(manifest, old, matcher=matcher, identities=own)
    reasons += guard.differing_artifacts(manifest, old, folders, own)
    reasons = within_selection(reasons, manifest, selected)
    return TargetState(
        target=target,
        selected=selected,
        old=old,
        written_names={name: alias for alias, name in names.items()},
        reasons=tuple(reasons),
        to_solve=tuple(_groups_to_solve(manifest, selected, old, reasons, options)),
    )


def _missing_lock(target: LockTarget, selected: Manifest) -> TargetState:
    message = f"{target.path.name} does not exist"
    reason = StaleReason(rule=Rule.ENVIRONMENTS, label=target.manifest.label, message=message)
    return TargetState(
        target=target,
        selected=selected,
        old=None,
        written_names={},
        reasons=(reason,),
        to_solve=tuple(solve_plan.groups(selected)),
    )


def _groups_to_solve(
    manifest: Manifest,
    selected: Manifest,
    old: Lock,
    reasons: Sequence[StaleReason],
    options: LockOptions,
) -> list[SolveGroup]:
    """Return the stale groups, and those with a selected package that --update or --upgrade moves."""
    groups = solve_plan.groups(manifest)
    stale = solve_plan.stale_groups(groups, reasons)
    if not options.moves:
        return stale
    selected_platforms = {
        (environment.name, platform.name)
        for environment in selected.environments
        for platform in environment.platforms
    }
    return [
        group
        for group in groups
        if group in stale
        or (
            group.is_any_of(selected_platforms)
            and (options.upgrade or solve_plan.pinned_records(group, old).keys() & set(options.update))
        )
    ]


def within_selection(
    reasons: Sequence[StaleReason], manifest: Manifest, selected: Manifest
) -> list[StaleReason]:
    """Return the reasons that concern the selected environments and platforms."""
    if selected == manifest:
        return list(reasons)
    names = {environment.name for environment in selected.environments}
    platforms = {
        (environment.name, name)
        for environment in selected.environments
        for platform in environment.platforms
        for name in (platform.name, platform.subdir)
    }
    # A reason without a platform concerns the whole environment.
    return [
        reason
        for reason in reasons
        if (reason.environment, reason.platform) in platforms
        or (reason.platform is None and reason.environment in names)
    ]


def _require_valid(manifest: Manifest, matcher: RattlerMatcher, options: LockOptions) -> None:
    """Report every requirement that is not a match spec, and selections that the manifest does not have."""
    problems = [
        *_invalid_specs(manifest, matcher),
        *_unknown_selections(manifest, "environment", options.environments, manifest.environment_names),
        *_unknown_selections(manifest, "platform", options.platforms, manifest.platform_names),
    ]
    if problems:
        # Environments share the requirements of a feature.
        raise FlowlockError(f"{manifest.file} cannot be locked", problems=list(dict.fromkeys(problems)))


def _invalid_specs(manifest: Manifest, matcher: RattlerMatcher) -> list[Problem]:
    problems = []
    for requirement in manifest.match_specs():
        try:
            matcher.parse(requirement.spec)
        except ValueError as error:
            problems.append(Problem(code="FL611", message=str(error), location=requirement.location))
    return problems


def _unknown_selections(
    manifest: Manifest, kind: str, selection: Sequence[str], names: Collection[str]
) -> list[Problem]:
    return [
        Problem(
            code="FL614",
            message=f"{manifest.file} has no {kind} `{name}`",
            location=Location(file=manifest.file),
            hint=f"it has: {', '.join(sorted(names))}",
        )
        for name in selection
        if name not in names
    ]


def require_pinned(states: Sequence[TargetState], options: LockOptions) -> None:
    """Refuse to update a package that no lock pins: a run that changes nothing would hide the mistake."""
    pinned = {record.name for state in states if state.old for _, _, record in state.old.records()}
    problems = [
        Problem(code="FL614", message=f"no lock pins `{name}`", hint=nearest(name, sorted(pinned)))
        for name in options.update
        if name not in pinned
    ]
    if problems:
        raise FlowlockError("--update lists packages that are not locked", problems=problems)
