"""Which solves a stale lock needs, and the lock that their records result in; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from flowlock.conda.closure import closure
from flowlock.conda.match_spec import name_of
from flowlock.conda.records import Record
from flowlock.conda.virtual import TargetPlatform
from flowlock.lock.lockfile.document import VERSION, Lock, LockedEnvironment, LockPlatform
from flowlock.lock.manifest.model import OPTION_KEYS, Manifest, ManifestEnvironment, ManifestRequirement
from flowlock.lock.satisfy import StaleReason, locked_records

# By the name of a group or an environment, and platform.
Records = Mapping[tuple[str, str], Sequence[Record]]


@dataclass(frozen=True, kw_only=True, slots=True)
class SolveGroup:
    """Environments that are solved together on a platform: a solve-group, or a single environment."""

    name: str
    members: tuple[ManifestEnvironment, ...]
    platform: TargetPlatform

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the group's solve in its manifest."""
        return self.name, self.platform.name

    def requirements(self) -> tuple[ManifestRequirement, ...]:
        """Return the members' requirements on the platform, each once."""
        return _merged(member.requirements.get(self.platform.name, ()) for member in self.members)

    def constraints(self) -> tuple[ManifestRequirement, ...]:
        """Return the members' constraints on the platform, each once."""
        return _merged(member.constraints.get(self.platform.name, ()) for member in self.members)

    def channels(self) -> tuple[str, ...]:
        """Return the members' channels in their order, each once."""
        return tuple(dict.fromkeys(channel for member in self.members for channel in member.channels))

    def is_any_of(self, environments: Collection[tuple[str | None, str | None]]) -> bool:
        """Return whether any member is among environments with a platform (name or subdir, None for all)."""
        platforms = (None, self.platform.name, self.platform.subdir)
        return any(
            (member.name, platform) in environments for member in self.members for platform in platforms
        )


def groups(manifest: Manifest) -> list[SolveGroup]:
    """Return every solve that a manifest consists of, in the manifest's order."""
    members: dict[str, list[ManifestEnvironment]] = {}
    for environment in manifest.environments:
        name = f"group {environment.solve_group}" if environment.solve_group else environment.name
        members.setdefault(name, []).append(environment)
    return [group for name, environments in members.items() for group in _per_platform(name, environments)]


def _per_platform(name: str, environments: Sequence[ManifestEnvironment]) -> list[SolveGroup]:
    """Return a group for each platform, of those environments that have the platform."""
    platforms = {platform.name: platform for member in environments for platform in member.platforms}
    groups = []
    for platform in platforms.values():
        members = tuple(member for member in environments if platform in member.platforms)
        groups.append(SolveGroup(name=name, members=members, platform=platform))
    return groups


def stale_groups(candidates: Iterable[SolveGroup], reasons: Iterable[StaleReason]) -> list[SolveGroup]:
    """Return the groups that some reason concerns; one without a platform concerns its whole environment."""
    stale = {(reason.environment, reason.platform) for reason in reasons}
    return [group for group in candidates if group.is_any_of(stale)]


def pinned_records(group: SolveGroup, lock: Lock | None) -> dict[str, Record]:
    """Return what the lock pins for a group's platform, by name; the first member's pin counts."""
    records: dict[str, Record] = {}
    if lock is None:
        return records
    for member in group.members:
        pins = lock.environments.get(member.name)
        if pins is None:
            continue
        for record in locked_records(lock, pins, group.platform) or ():
            records.setdefault(record.name, record)
    return records


def preferred(
    group: SolveGroup, lock: Lock | None, own: Collection[str], moved: Collection[str]
) -> tuple[Record, ...]:
    """Return the records that a solve should keep if it can: third-party ones of the group's channels.

    Workspace packages, packages to move and packages that are too new are left out: the solver keeps a locked
    record even where no channel has it.
    """
    channels = {channel.rstrip("/") for channel in group.channels()}
    limit = group.members[0].exclude_newer
    return tuple(
        record
        for name, record in pinned_records(group, lock).items()
        if name not in own
        and name not in moved
        and record.channel in channels
        and not (limit and limit.forbids(name, record.timestamp))
    )


def assembled(manifest: Manifest, old: Lock | None, solved: Records, selected: Manifest) -> Lock:
    """Return the lock of a manifest: what was solved again, and what `old` has for the rest.

    `selected` is the part of the manifest that this run may change; the rest of `old` stays unchanged.
    """
    previous = old or Lock(platforms=(), environments={})
    by_environment = _by_environment(manifest, solved)
    selected_names = {environment.name for environment in selected.environments}
    environments: dict[str, LockedEnvironment] = {}
    platforms: set[str] = set()
    for environment in manifest.environments:
        before = previous.environments.get(environment.name)
        if environment.name in selected_names:
            packages = _packages(environment, by_environment, previous)
            environments[environment.name] = _relocked(environment, packages, before)
            platforms.update(packages)
        elif before is not None:
            environments[environment.name] = before
            platforms.update(before.packages)
    return replace(
        previous,
        platforms=_platforms(manifest, previous, platforms),
        environments=environments,
        version=VERSION,
    )


def _by_environment(manifest: Manifest, solved: Records) -> Records:
    """Return the records of solved groups by environment and platform."""
    return {
        (member.name, group.platform.name): solved[group.key]
        for group in groups(manifest)
        if group.key in solved
        for member in group.members
    }


def _relocked(
    environment: ManifestEnvironment,
    packages: Mapping[str, tuple[Record, ...]],
    before: LockedEnvironment | None,
) -> LockedEnvironment:
    """Return an environment's part of the lock; what `before` has that we do not know is kept."""
    previous = before or LockedEnvironment(channels=(), packages={})
    unknown_options = {key: value for key, value in previous.options.items() if key not in OPTION_KEYS}
    return LockedEnvironment(
        channels=environment.channels,
        # As pixi does, an environment that requires nothing on a platform has no row there.
        packages={platform: records for platform, records in packages.items() if records},
        options={**unknown_options, **environment.options()},
        more=previous.more,
    )


def _packages(environment: ManifestEnvironment, solved: Records, old: Lock) -> dict[str, tuple[Record, ...]]:
    """Return the records of an environment's platforms, solved again or as they were.

    A platform that was not selected and is not in the lock is left out.
    """
    packages: dict[str, tuple[Record, ...]] = {}
    before = old.environments.get(environment.name)
    for target in environment.platforms:
        requirements = environment.requirements.get(target.name, ())
        records = solved.get((environment.name, target.name))
        kept = locked_records(old, before, target) if before else None
        if records is not None:
            packages[target.name] = reachable(records, requirements)
        elif kept is not None:
            packages[target.name] = tuple(kept)
        elif not requirements:
            packages[target.name] = ()
    return packages


def _platforms(manifest: Manifest, old: Lock, names: Collection[str]) -> tuple[LockPlatform, ...]:
    """Return the named platforms; one that declares the same virtual packages stays as it was written."""
    platforms = {platform.name: platform for platform in old.platforms}
    for target in manifest.platforms():
        written = platforms.get(target.name)
        if written is None or not written.is_for(target):
            platforms[target.name] = LockPlatform(
                name=target.name, subdir=target.subdir, virtual_packages=target.virtual_packages
            )
    return tuple(platforms[name] for name in sorted(names))


def reachable(records: Sequence[Record], requirements: Iterable[ManifestRequirement]) -> tuple[Record, ...]:
    """Return the records that the requirements need, directly or not, as pixi divides a solve-group."""
    by_name = {record.name: record for record in records}

    def needs(spec: str) -> list[str]:
        record = by_name.get(name_of(spec))
        if record is None:
            return []
        # Only the engine can parse which extras a spec has; the group was solved for all of them.
        extras = record.extra_depends.values() if "extras" in spec else ()
        return [*record.depends, *chain.from_iterable(extras)]

    specs = closure((requirement.spec for requirement in requirements), needs)
    names = set(map(name_of, specs))
    return tuple(record for record in records if record.name in names)


def _merged(parts: Iterable[Sequence[ManifestRequirement]]) -> tuple[ManifestRequirement, ...]:
    return tuple({requirement.spec: requirement for part in parts for requirement in part}.values())
