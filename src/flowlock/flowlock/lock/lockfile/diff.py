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

    def __call__(self, one: str, other: str, /) -> int:
        """Return a negative number, zero or a positive number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PinChange:
    """One package's change, and where: the places are (environment, platform), sorted."""

    package: str
    kind: ChangeKind
    before: str | None
    after: str | None
    places: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """Return the change as `lock --json` and `diff --json` print it."""
        return {
            "package": self.package,
            "kind": self.kind.value,
            "before": self.before,
            "after": self.after,
            "environments": {
                name: list(platforms) for name, platforms in _by_environment(self.places).items()
            },
        }


def changes(before: Lock | None, after: Lock | None, order: VersionOrder) -> tuple[PinChange, ...]:
    """Return what it takes to come from one lock to the other, by package; no lock has no pins."""
    old, new = _pins(before), _pins(after)
    folded: dict[tuple[str, ChangeKind, str | None, str | None], list[tuple[str, str]]] = {}
    for key in sorted(old.keys() | new.keys()):
        environment, platform, name = key
        one, other = old.get(key), new.get(key)
        if one is not None and other is not None and (one.url, one.sha256) == (other.url, other.sha256):
            continue
        kind = _kind(one, other, order)
        rebuilt = kind is ChangeKind.REBUILT
        change = (name, kind, _shown(one, build=rebuilt), _shown(other, build=rebuilt))
        folded.setdefault(change, []).append((environment, platform))
    return tuple(
        PinChange(package=name, kind=kind, before=was, after=now, places=tuple(places))
        for (name, kind, was, now), places in sorted(folded.items(), key=lambda item: (item[0][0], item[1]))
    )


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
    """Return a version, with its build where only that tells two pins apart."""
    if record is None:
        return None
    return f"{record.version} {record.build}" if build else record.version


def _by_environment(places: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for environment, platform in places:
        found.setdefault(environment, []).append(platform)
    return {name: tuple(platforms) for name, platforms in found.items()}


def where(change: PinChange, everywhere: Mapping[str, Sequence[str]]) -> str:
    """Return where a change holds, folded: nothing if everywhere, else environments with their platforms.

    `everywhere` is environment → platforms of both locks together.
    """
    found = _by_environment(change.places)
    if all(set(found.get(name, ())) == set(platforms) for name, platforms in everywhere.items()):
        return ""
    parts = []
    for name, platforms in found.items():
        full = set(platforms) == set(everywhere.get(name, ()))
        parts.append(name if full else f"{name} on {', '.join(platforms)}")
    return "; ".join(parts)


def everywhere(*locks: Lock | None) -> dict[str, tuple[str, ...]]:
    """Return environment → platforms of all the locks together."""
    found: dict[str, set[str]] = {}
    for lock in locks:
        for name, locked in (lock.environments if lock else {}).items():
            found.setdefault(name, set()).update(locked.packages)
    return {name: tuple(sorted(platforms)) for name, platforms in sorted(found.items())}


_SIGNS = {
    ChangeKind.ADDED: "+",
    ChangeKind.REMOVED: "-",
    ChangeKind.UPGRADED: "↑",
    ChangeKind.DOWNGRADED: "↓",
    ChangeKind.REBUILT: "≈",
}


def as_lines(found: Sequence[PinChange], places: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a line a change, for people."""
    return [
        f"  {_SIGNS[change.kind]} {change.package} {_arrow(change)}{_suffix(where(change, places))}"
        for change in found
    ]


def as_markdown(found: Sequence[PinChange], places: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table of changes."""
    if not found:
        return []
    lines = ["| package | change | before | after | where |", "| --- | --- | --- | --- | --- |"]
    for change in found:
        before, after = (f"`{text}`" if text else "" for text in (change.before, change.after))
        place = where(change, places) or "everywhere"
        lines.append(f"| {change.package} | {change.kind.value} | {before} | {after} | {place} |")
    return lines


def _arrow(change: PinChange) -> str:
    return " → ".join(text for text in (change.before, change.after) if text)


def _suffix(place: str) -> str:
    return f"  ({place})" if place else ""
