"""Why a lock is stale: pixi's rules for `--locked`, in pixi's order, and our pins against the sources.

Pure: no metadata, no build. Every reason is found, not the first only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from flowlock.conda.artifact import Artifact
from flowlock.conda.records import Record
from flowlock.conda.virtual import TargetPlatform, declared
from flowlock.lock.lockfile.document import Lock, LockedEnvironment, LockPlatform
from flowlock.lock.manifest.model import ExcludeNewer, Manifest, ManifestEnvironment, ManifestRequirement


class Rule(StrEnum):
    """The rules, in the order in which pixi checks them; the last three are ours."""

    ENVIRONMENTS = "environments"
    CHANNELS = "channels"
    PLATFORMS = "platforms"
    FOREIGN = "foreign"
    OPTIONS = "options"
    EXCLUDE_NEWER = "exclude-newer"
    DUPLICATE = "duplicate"
    CONSTRAINT = "constraint"
    REQUIREMENT = "requirement"
    UNUSED = "unused"
    SOLVE_GROUP = "solve-group"
    PIN = "pin"
    BYTES = "bytes"
    FORMAT = "format"


@dataclass(frozen=True, kw_only=True, slots=True)
class StaleReason:
    """One way in which a lock is stale. Without a platform it concerns all of the environment's."""

    rule: Rule
    label: str
    message: str
    environment: str | None = None
    platform: str | None = None
    package: str | None = None

    def __str__(self) -> str:
        place = [part for part in (self.label, self.environment, self.platform) if part]
        return f"{'/'.join(place)}: {self.message}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CurrentBuild:
    """What a workspace package's source makes now.

    The artifact has the sha256 of the built bytes, if they are built. `why` says what differs from the pin,
    if that is known. A native package's other variants are `variants`: a pin may be any of them.
    """

    artifact: Artifact
    why: str = ""
    variants: tuple[str, ...] = ()


class ParsedParts(Protocol):
    """The parts of a match spec that the walk needs."""

    @property
    def name(self) -> str:
        """The package's name."""

    @property
    def extras(self) -> tuple[str, ...]:
        """The extras that are requested."""

    @property
    def condition(self) -> str | None:
        """The `when` condition."""


class Matcher(Protocol):
    """Evaluates match specs."""

    def parse(self, spec: str) -> ParsedParts:
        """Return a spec's parts; raises ValueError with a sentence if it is not a spec."""

    def matches(self, spec: str, record: Record) -> bool:
        """Return whether a record satisfies a spec."""

    def matches_virtual(self, spec: str, package: str) -> bool:
        """Return whether a virtual package satisfies a spec."""


def check(
    manifest: Manifest, lock: Lock, *, matcher: Matcher, identities: Mapping[str, CurrentBuild]
) -> list[StaleReason]:
    """Return every reason why pixi would refuse the lock with `--locked`, or why it pins another source."""
    label = manifest.label
    reasons = list(_environments(manifest, lock))
    locked = {
        environment.name: lock.environments.get(environment.name) for environment in manifest.environments
    }
    for environment in manifest.environments:
        pins = locked[environment.name]
        if pins is None:
            continue
        view = _EnvironmentCheck(label=label, environment=environment, pins=pins, lock=lock, matcher=matcher)
        for rule in (_channels, _platforms, _foreign, _options, _exclude_newer):
            reasons += rule(view)
        for platform in environment.platforms:
            reasons += _platform(view, platform)
    reasons += _solve_groups(manifest, locked)
    reasons += _pins(manifest, locked, identities)
    return reasons


@dataclass(frozen=True, kw_only=True, slots=True)
class _EnvironmentCheck:
    """One environment's manifest and lock side by side."""

    label: str
    environment: ManifestEnvironment
    pins: LockedEnvironment
    lock: Lock
    matcher: Matcher

    def reason(
        self, rule: Rule, message: str, platform: str | None = None, package: str | None = None
    ) -> StaleReason:
        return StaleReason(
            rule=rule,
            label=self.label,
            environment=self.environment.name,
            platform=platform,
            package=package,
            message=message,
        )


def _environments(manifest: Manifest, lock: Lock) -> Iterator[StaleReason]:
    wanted = [environment.name for environment in manifest.environments]
    for name in wanted:
        if name not in lock.environments:
            message = "the environment is not in the lock"
            yield StaleReason(rule=Rule.ENVIRONMENTS, label=manifest.label, environment=name, message=message)
    for name in lock.environments:
        if name not in wanted:
            message = f"the environment is in the lock, but not in {manifest.file}"
            yield StaleReason(rule=Rule.ENVIRONMENTS, label=manifest.label, environment=name, message=message)


def _channels(view: _EnvironmentCheck) -> Iterator[StaleReason]:
    wanted = [channel.rstrip("/") for channel in view.environment.channels]
    locked = [channel.rstrip("/") for channel in view.pins.channels]
    if wanted != locked:
        message = (
            f"locked with the channels {', '.join(locked) or 'none'}; the manifest has {', '.join(wanted)}"
        )
        yield view.reason(Rule.CHANNELS, message)


def _platforms(view: _EnvironmentCheck) -> Iterator[StaleReason]:
    targets = {platform.name: platform for platform in view.environment.platforms}
    subdirs = {platform.subdir for platform in view.environment.platforms}
    locked = {platform.name: platform for platform in view.lock.platforms}
    for name in view.pins.packages:
        recorded = locked.get(name, LockPlatform(name=name, subdir=name))
        if name in targets:
            yield from _definition(view, targets[name], recorded)
        elif recorded.subdir not in subdirs:
            yield view.reason(Rule.PLATFORMS, "the platform is locked, but not in the manifest", name)


def _definition(
    view: _EnvironmentCheck, target: TargetPlatform, recorded: LockPlatform
) -> Iterator[StaleReason]:
    if target.subdir != recorded.subdir:
        message = f"locked for the subdir {recorded.subdir}; the manifest has {target.subdir}"
        yield view.reason(Rule.PLATFORMS, message, target.name)
        return
    locked = declared(recorded.subdir, recorded.virtual_packages)
    if target.declared != locked:
        now = ", ".join(sorted(target.declared)) or "the defaults"
        before = ", ".join(sorted(locked)) or "the defaults"
        message = f"locked with the virtual packages {before}; the manifest has {now}"
        yield view.reason(Rule.PLATFORMS, message, target.name)


def _foreign(view: _EnvironmentCheck) -> Iterator[StaleReason]:
    for platform, entries in view.pins.foreign.items():
        names = ", ".join(str(next(iter(entry.values()), entry)) for entry in entries if entry)
        yield view.reason(
            Rule.FOREIGN, f"the manifest has no PyPI or source packages, but the lock has {names}", platform
        )


def _options(view: _EnvironmentCheck) -> Iterator[StaleReason]:
    wanted = view.environment.options()
    locked = {key: str(value) for key, value in view.pins.options.items()}
    for key in ("strategy", "channel-priority"):
        now, before = wanted.get(key), locked.get(key)
        if now != before:
            message = f"locked with {key} {before or 'default'}; the manifest has {now or 'default'}"
            yield view.reason(Rule.OPTIONS, message)


def _exclude_newer(view: _EnvironmentCheck) -> Iterator[StaleReason]:
    limit = view.environment.exclude_newer
    if limit is None:
        return
    for platform, records in view.pins.packages.items():
        for record in records:
            cutoff = limit.cutoff_of(record.name)
            late = cutoff is not None and record.timestamp is not None and record.timestamp > cutoff
            if late and not _is_exempt(limit, record, view.matcher):
                message = f"{record.name} {record.version} is newer than the manifest's exclude-newer"
                yield view.reason(Rule.EXCLUDE_NEWER, message, platform, record.name)


def _is_exempt(limit: ExcludeNewer, record: Record, matcher: Matcher) -> bool:
    return any(exempt.name == record.name and matcher.matches(exempt.spec, record) for exempt in limit.exempt)


def _platform(view: _EnvironmentCheck, target: TargetPlatform) -> Iterator[StaleReason]:
    """Check one platform's records: one per name, constraints, every dependency, nothing else."""
    records = locked_records(view.lock, view.pins, target)
    if records is None:
        # An environment that asks for nothing has no separate row: `packages: {}`.
        if any(_walk(view, target, {}, set())):
            yield view.reason(Rule.PLATFORMS, "the platform is not locked", target.name)
        return
    by_name: dict[str, Record] = {}
    for record in records:
        if record.name in by_name:
            yield view.reason(Rule.DUPLICATE, f"{record.name} is pinned twice", target.name, record.name)
        by_name[record.name] = record
    for constraint in view.environment.constraints.get(target.name, ()):
        pinned = by_name.get(constraint.name)
        if pinned is not None and not view.matcher.matches(constraint.spec, pinned):
            message = (
                f"{pinned.name} {pinned.version} violates the constraint `{constraint.spec}`{_at(constraint)}"
            )
            yield view.reason(Rule.CONSTRAINT, message, target.name, pinned.name)
    visited: set[str] = set()
    yield from _walk(view, target, by_name, visited)
    if unused := sorted(by_name.keys() - visited):
        message = f"nothing requires {', '.join(unused)}"
        yield view.reason(Rule.UNUSED, message, target.name, unused[0])


def locked_records(lock: Lock, pins: LockedEnvironment, target: TargetPlatform) -> Sequence[Record] | None:
    """Return a platform's records: by its name, or by its subdir as in locks before version 7.

    A row of the subdir counts if it has no virtual packages, or all that the platform declares.
    """
    records = pins.packages.get(target.name)
    if records is not None or target.subdir not in pins.packages:
        return records
    written = {platform.name: platform.virtual_packages for platform in lock.platforms}
    virtual_packages = written.get(target.subdir, ())
    if virtual_packages and not target.declared <= set(virtual_packages):
        return None
    return pins.packages[target.subdir]


def _walk(
    view: _EnvironmentCheck, target: TargetPlatform, by_name: Mapping[str, Record], visited: set[str]
) -> Iterator[StaleReason]:
    """Follow every dependency from the manifest's; adds the names that something requires to `visited`."""
    virtual = {package.split("=")[0]: package for package in target.virtual_packages}
    requirements = view.environment.requirements.get(target.name, ())
    pending = [
        (requirement.spec, f"the manifest{_at(requirement)}") for requirement in reversed(requirements)
    ]
    seen: set[str] = set()
    while pending:
        spec, required_by = pending.pop()
        if spec in seen:
            continue
        seen.add(spec)
        try:
            parsed = view.matcher.parse(spec)
            if parsed.condition and not _holds(parsed.condition, view.matcher, by_name, virtual):
                continue
            record = by_name.get(parsed.name)
            problem = _unmet(view.matcher, spec, record, virtual.get(parsed.name))
        except ValueError as error:
            yield view.reason(Rule.REQUIREMENT, f"{error}, required by {required_by}", target.name)
            continue
        if problem:
            message = f"`{spec}`, required by {required_by}, {problem}"
            yield view.reason(Rule.REQUIREMENT, message, target.name, parsed.name)
        if record is not None:
            pending += _dependencies(record, parsed.extras, is_new=record.name not in visited)
            visited.add(record.name)


def _dependencies(record: Record, extras: Sequence[str], *, is_new: bool) -> list[tuple[str, str]]:
    """Return the specs that a record requires, with its name: its dependencies once, and those of extras."""
    specs = list(reversed(record.depends)) if is_new else []
    for extra in extras:
        specs += record.extra_depends.get(extra, ())
    return [(spec, record.name) for spec in specs]


def _unmet(matcher: Matcher, spec: str, record: Record | None, virtual: str | None) -> str:
    """Return why a spec is not met by what the lock or the platform has of its name; empty if it is."""
    if record is not None:
        met = matcher.matches(spec, record)
        return "" if met else f"is not satisfied by {record.name} {record.version} {record.build}"
    if virtual is not None:
        return (
            "" if matcher.matches_virtual(spec, virtual) else f"is not satisfied by the platform's {virtual}"
        )
    return "is not in the lock"


def _holds(
    condition: str, matcher: Matcher, by_name: Mapping[str, Record], virtual: Mapping[str, str]
) -> bool:
    """Evaluate a `when` condition: match specs joined by `and` and `or`, `and` binding closer."""
    from flowlock.conda.conditions import holds

    def is_met(spec: str) -> bool:
        name = matcher.parse(spec).name
        if name in by_name:
            return matcher.matches(spec, by_name[name])
        return name in virtual and matcher.matches_virtual(spec, virtual[name])

    return holds(condition, is_met)


def _solve_groups(
    manifest: Manifest, locked: Mapping[str, LockedEnvironment | None]
) -> Iterator[StaleReason]:
    first: dict[tuple[str, str, str], tuple[str, str]] = {}
    for environment in manifest.environments:
        group, pins = environment.solve_group, locked[environment.name]
        if group is None or pins is None:
            continue
        for platform, records in pins.packages.items():
            for record in records:
                key = (group, platform, record.name)
                name, url = first.setdefault(key, (environment.name, record.url))
                if url != record.url:
                    message = f"{record.name} differs from {name}, which is in the same solve-group"
                    yield StaleReason(
                        rule=Rule.SOLVE_GROUP,
                        label=manifest.label,
                        environment=environment.name,
                        platform=platform,
                        package=record.name,
                        message=message,
                    )


def _pins(
    manifest: Manifest,
    locked: Mapping[str, LockedEnvironment | None],
    identities: Mapping[str, CurrentBuild],
) -> Iterator[StaleReason]:
    for name, pins in locked.items():
        for platform, records in (pins.packages if pins else {}).items():
            for record in records:
                now = identities.get(record.name)
                if now is None or not (message := _outdated(record, now)):
                    continue
                yield StaleReason(
                    rule=Rule.PIN,
                    label=manifest.label,
                    environment=name,
                    platform=platform,
                    package=record.name,
                    message=message,
                )


def _outdated(record: Record, now: CurrentBuild) -> str:
    """Return how a pin differs from the source; empty if it does not."""
    current = now.artifact
    if current.version == record.version and record.build in now.variants:
        return ""
    if (current.version, current.build) == (record.version, record.build):
        if current.sha256 in (None, record.sha256):
            return ""
        return f"{record.name} is pinned with the sha256 {record.sha256}, but the build has {current.sha256}"
    was, source = record.build, current.build
    if current.version != record.version:
        was, source = f"{record.version} {was}", f"{current.version} {source}"
    why = f" ({now.why})" if now.why else ""
    return f"{record.name} is pinned to {was}, but the source is now {source}{why}"


def _at(requirement: ManifestRequirement) -> str:
    return f" ({requirement.location})" if requirement.location else ""
