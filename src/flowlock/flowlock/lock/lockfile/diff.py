"""What differs between two locks: per package, folded over the platforms and environments that agree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from flowlock.conda.records import Record
from flowlock.lock.lockfile.document import Lock


class ChangeKind(StrEnum):
    """How a package's pin changed; `rebuilt` is the same version with other bytes."""

    ADDED = "added"
    REMOVED = "removed"
    UPGRADED = "upgraded"
    DOWNGRADED = "downgraded"
    REBUILT = "rebuilt"


class VersionOrder(Protocol):
    """Compares versions as conda orders them."""

    def __call__(self, left: str, right: str, /) -> int:
        """Return a negative number, zero or a positive number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PinChange:
    """One package's change; `locations` are the environments with platforms in which it occurs, sorted."""

    package: str
    kind: ChangeKind
    before: str | None
    after: str | None
    locations: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """Return the change as `lock --json` and `diff --json` print it."""
        environments = _by_environment(self.locations)
        return {
            "package": self.package,
            "kind": self.kind.value,
            "before": self.before,
            "after": self.after,
            "environments": {name: list(platforms) for name, platforms in environments.items()},
        }


def changes(before: Lock | None, after: Lock | None, order: VersionOrder) -> tuple[PinChange, ...]:
    """Return the changes from one lock to the other, by package; None is a lock without pins."""
    old, new = _pins(before), _pins(after)
    folded: dict[tuple[str, ChangeKind, str | None, str | None], list[tuple[str, str]]] = {}
    for key in sorted(old.keys() | new.keys()):
        environment, platform, name = key
        old_pin, new_pin = old.get(key), new.get(key)
        if _artifact(old_pin) == _artifact(new_pin):
            continue
        kind = _kind(old_pin, new_pin, order)
        # Only the build distinguishes two pins of one version.
        rebuilt = kind is ChangeKind.REBUILT
        change = (name, kind, _shown(old_pin, build=rebuilt), _shown(new_pin, build=rebuilt))
        folded.setdefault(change, []).append((environment, platform))
    # By package, then by where the change occurs.
    ordered = sorted(folded.items(), key=lambda item: (item[0][0], item[1]))
    return tuple(
        PinChange(
            package=name, kind=kind, before=version_before, after=version_after, locations=tuple(locations)
        )
        for (name, kind, version_before, version_after), locations in ordered
    )


def _artifact(pin: Record | None) -> tuple[str, str] | None:
    return None if pin is None else (pin.url, pin.sha256)


def _pins(lock: Lock | None) -> dict[tuple[str, str, str], Record]:
    if lock is None:
        return {}
    return {(environment, platform, r.name): r for environment, platform, r in lock.records()}


def _kind(before: Record | None, after: Record | None, order: VersionOrder) -> ChangeKind:
    if before is None:
        return ChangeKind.ADDED
    if after is None:
        return ChangeKind.REMOVED
    compared = order(before.version, after.version)
    if compared == 0:
        return ChangeKind.REBUILT
    return ChangeKind.UPGRADED if compared < 0 else ChangeKind.DOWNGRADED


def _shown(record: Record | None, *, build: bool) -> str | None:
    """Return a pin's version, with its build if that is wanted."""
    if record is None:
        return None
    return f"{record.version} {record.build}" if build else record.version


def _by_environment(locations: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    by_environment: dict[str, list[str]] = {}
    for environment, platform in locations:
        by_environment.setdefault(environment, []).append(platform)
    return {name: tuple(platforms) for name, platforms in by_environment.items()}


def shown_locations(change: PinChange, platforms: Mapping[str, Sequence[str]]) -> str:
    """Return where a change occurs, for people: empty for everywhere, else environments with platforms.

    `platforms` are those of each environment in both locks together.
    """
    changed = _by_environment(change.locations)
    complete = {name for name in platforms if set(changed.get(name, ())) == set(platforms[name])}
    if complete == platforms.keys():
        return ""
    return "; ".join(
        name if name in complete else f"{name} on {', '.join(changed[name])}" for name in changed
    )


def platforms_by_environment(*locks: Lock | None) -> dict[str, tuple[str, ...]]:
    """Return the platforms of each environment in any of the locks."""
    by_environment: dict[str, set[str]] = {}
    for lock in filter(None, locks):
        for name, locked in lock.environments.items():
            by_environment.setdefault(name, set()).update(locked.packages)
    return {name: tuple(sorted(platforms)) for name, platforms in sorted(by_environment.items())}


_SIGNS = {
    ChangeKind.ADDED: "+",
    ChangeKind.REMOVED: "-",
    ChangeKind.UPGRADED: "↑",
    ChangeKind.DOWNGRADED: "↓",
    ChangeKind.REBUILT: "≈",
}


def as_lines(changes: Sequence[PinChange], platforms: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a line per change, for people; `platforms` as for `shown_locations`."""
    lines = []
    for change in changes:
        versions = " → ".join(version for version in (change.before, change.after) if version)
        line = f"  {_SIGNS[change.kind]} {change.package} {versions}"
        locations = shown_locations(change, platforms)
        lines.append(f"{line}  ({locations})" if locations else line)
    return lines


def as_markdown(changes: Sequence[PinChange], platforms: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table of changes; `platforms` as for `shown_locations`."""
    if not changes:
        return []
    lines = ["| package | change | before | after | where |", "| --- | --- | --- | --- | --- |"]
    for change in changes:
        before, after = _code(change.before), _code(change.after)
        locations = shown_locations(change, platforms) or "everywhere"
        lines.append(f"| {change.package} | {change.kind.value} | {before} | {after} | {locations} |")
    return lines


def _code(version: str | None) -> str:
    return f"`{version}`" if version else ""
