"""Which solves a stale lock needs, and the lock that their records make; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from flowlock.conda.closure import closure
from flowlock.conda.match_spec import name_of
from flowlock.conda.records import Record
from flowlock.conda.virtual import TargetPlatform
from flowlock.lock.lockfile.document import Lock, LockedEnvironment, LockPlatform
from flowlock.lock.manifest.model import Environment, Manifest, Requirement
from flowlock.lock.satisfy import StaleReason, locked_records

Records = Mapping[tuple[str, str], Sequence[Record]]


@dataclass(frozen=True, kw_only=True, slots=True)
class SolveGroup:
    """Environments that are solved together on a platform: a solve-group, or a single environment."""

    name: str
    members: tuple[Environment, ...]
    platform: TargetPlatform

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the group's solve in its manifest."""
        return self.name, self.platform.name

    def requirements(self) -> tuple[Requirement, ...]:
        """Return what any of the members asks for here."""
        return _merged(member.requirements.get(self.platform.name, ()) for member in self.members)

    def constraints(self) -> tuple[Requirement, ...]:
        """Return what any of the members forbids here."""
        return _merged(member.constraints.get(self.platform.name, ()) for member in self.members)

    def channels(self) -> tuple[str, ...]:
        """Return the members' channels in their order, each once."""
        return tuple(dict.fromkeys(channel for member in self.members for channel in member.channels))


def groups(manifest: Manifest) -> list[SolveGroup]:
    """Return every solve that a manifest consists of, in the manifest's order."""
    members: dict[str, list[Environment]] = {}
    for environment in manifest.environments:
        name = f"group {environment.solve_group}" if environment.solve_group else environment.name
        members.setdefault(name, []).append(environment)
    found = []
    for name, environments in members.items():
        platforms = {platform.name: platform for member in environments for platform in member.platforms}
        for platform in platforms.values():
            here = tuple(member for member in environments if platform in member.platforms)
            found.append(SolveGroup(name=name, members=here, platform=platform))
    return found


def stale_groups(found: Iterable[SolveGroup], reasons: Iterable[StaleReason]) -> list[SolveGroup]:
    """Return the solves that some reason concerns; one without a platform concerns all of its environment."""
    concerned = {(reason.environment, reason.platform) for reason in reasons}
    return [
        group
        for group in found
        if any(
            {(member.name, None), (member.name, group.platform.name), (member.name, group.platform.subdir)}
            & concerned
            for member in group.members
        )
    ]


def had(group: SolveGroup, lock: Lock | None) -> dict[str, Record]:
    """Return what the lock pins for a group's platform, by name."""
    records: dict[str, Record] = {}
    for member in group.members:
        pins = lock.environments.get(member.name) if lock else None
        if lock is None or pins is None:
            continue
        for record in locked_records(lock, pins, group.platform) or ():
            records.setdefault(record.name, record)
    return records


def preferred(
    group: SolveGroup, lock: Lock | None, own: Collection[str], moved: Collection[str | None]
) -> tuple[Record, ...]:
    """Return the records that a solve shall keep if it can: third-party ones of channels still asked for.

    A workspace package is never among them, nor what shall be moved, nor what the cutoff forbids: the solver
    keeps a locked record even where no channel has it.
    """
    channels = {channel.rstrip("/") for channel in group.channels()}
    limit = group.members[0].exclude_newer
    kept = []
    for name, record in had(group, lock).items():
        cutoff = limit.cutoff_of(name) if limit else None
        late = cutoff is not None and (record.timestamp is None or record.timestamp > cutoff)
        if name not in own and name not in moved and record.channel in channels and not late:
            kept.append(record)
    return tuple(kept)


def assembled(manifest: Manifest, old: Lock | None, solved: Records, chosen: Manifest) -> Lock:
    """Return the lock of a manifest: what was solved anew, and what `old` had for the rest.

    `chosen` is the part of the manifest that this run may change; the rest of `old` stays as it is.
    """
    environments: dict[str, LockedEnvironment] = {}
    by_group = {
        (member.name, group.platform.name): solved[group.key]
        for group in groups(manifest)
        if group.key in solved
        for member in group.members
    }
    free = {environment.name for environment in chosen.environments}
    used: set[str] = set()
    for environment in manifest.environments:
        before = old.environments.get(environment.name) if old else None
        if environment.name in free:
            packages = _packages(environment, by_group, old)
            used.update(packages)
            environments[environment.name] = LockedEnvironment(
                channels=environment.channels,
                # As pixi does, an environment that asks for nothing on a platform has no row there.
                packages={platform: records for platform, records in packages.items() if records},
                options={**_unknown_options(before), **environment.options()},
                more=before.more if before else {},
            )
        elif before is not None:
            environments[environment.name] = before
            used.update(before.packages)
    return Lock(
        platforms=_platforms(manifest, old, used),
        environments=environments,
        foreign=old.foreign if old else (),
        build_records=old.build_records if old else (),
        more=old.more if old else {},
    )


def _packages(
    environment: Environment, solved: Mapping[tuple[str, str], Sequence[Record]], old: Lock | None
) -> dict[str, tuple[Record, ...]]:
    """Return the records of an environment's platforms, solved anew or as they were.

    A platform of which neither is known, since it was not chosen, is left out.
    """
    packages: dict[str, tuple[Record, ...]] = {}
    before = old.environments.get(environment.name) if old else None
    for target in environment.platforms:
        requirements = environment.requirements.get(target.name, ())
        records = solved.get((environment.name, target.name))
        kept = locked_records(old, before, target) if old and before else None
        if records is not None:
            packages[target.name] = reachable(records, requirements)
        elif kept is not None or not requirements:
            packages[target.name] = tuple(kept or ())
    return packages


def _platforms(manifest: Manifest, old: Lock | None, used: Collection[str]) -> tuple[LockPlatform, ...]:
    """Return the platforms in use; one that declares the same virtual packages stays as it was written."""
    before = {platform.name: platform for platform in old.platforms} if old else {}
    now = dict(before)
    for target in manifest.platforms():
        made = LockPlatform(name=target.name, subdir=target.subdir, virtual_packages=target.virtual_packages)
        was = before.get(target.name)
        if was is None or was.subdir != made.subdir or _declared(was) != target.declared:
            now[target.name] = made
    return tuple(now[name] for name in sorted(used))


def _declared(platform: LockPlatform) -> frozenset[str]:
    from flowlock.conda.virtual import declared

    return declared(platform.subdir, platform.virtual_packages)


def _unknown_options(before: LockedEnvironment | None) -> dict[str, object]:
    ours = ("strategy", "channel-priority")
    return {key: value for key, value in (before.options if before else {}).items() if key not in ours}


def reachable(records: Sequence[Record], requirements: Iterable[Requirement]) -> tuple[Record, ...]:
    """Return the records that the requirements lead to: as pixi cuts an environment out of its group."""
    by_name = {record.name: record for record in records}

    def needs(spec: str) -> list[str]:
        record = by_name.get(name_of(spec))
        if record is None:
            return []
        # Which extras is the matcher's business; a group is solved for all of them anyway.
        extras = record.extra_depends.values() if "extras" in spec else ()
        return [*record.depends, *chain.from_iterable(extras)]

    specs = closure((requirement.spec for requirement in requirements), needs)
    names = set(map(name_of, specs))
    return tuple(record for record in records if record.name in names)


def _merged(parts: Iterable[Sequence[Requirement]]) -> tuple[Requirement, ...]:
    return tuple({requirement.spec: requirement for part in parts for requirement in part}.values())
