"""`cache ls`, `cache gc` and `cache clear`: what is kept, how large it is, and what is removed."""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flowlock_core.command.options import SIZE_UNITS, cache_folder
from flowlock_core.store import housekeeping
from flowlock_core.store.housekeeping import StoredEntry, Usage
from flowlock_core.store.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheReport:
    """What a cache holds, and what was freed."""

    usage: Usage
    entries: tuple[StoredEntry, ...] = ()
    freed: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return {folder, entries, damaged, bytes}, and {freed} or {results}."""
        document = self.usage.as_json()
        if self.freed is not None:
            return {**document, "freed": self.freed}
        return {**document, "results": [_entry_json(entry) for entry in self.entries]}

    def __str__(self) -> str:
        lines = [_entry_line(entry) for entry in self.entries]
        damaged = f", {self.usage.damaged} of them damaged" if self.usage.damaged else ""
        freed = "" if self.freed is None else f"freed {size_text(self.freed)}; "
        kept = f"{self.usage.entries} results{damaged}, {size_text(self.usage.size)}"
        return "".join(f"{line}\n" for line in [*lines, f"{freed}{kept} in {self.usage.folder}"])


def report_of(arguments: argparse.Namespace) -> CacheReport:
    """Do what a command line says, and report it."""
    folder = cache_folder(arguments)
    if arguments.cache_action == "ls":
        return listed(folder)
    if arguments.cache_action == "clear":
        return cleared(folder)
    return collected(folder, max_bytes=arguments.max_size, max_days=arguments.max_age)


def listed(folder: Path) -> CacheReport:
    """Return everything that is kept."""
    store = Store(folder)
    return CacheReport(usage=housekeeping.usage(store), entries=tuple(housekeeping.entries(store)))


def collected(folder: Path, *, max_bytes: int, max_days: float) -> CacheReport:
    """Remove what was not used for long, and what is too much."""
    store = Store(folder)
    freed = housekeeping.collect(store, max_bytes=max_bytes, max_age=max_days * housekeeping.DAY)
    return CacheReport(usage=housekeeping.usage(store), freed=freed)


def cleared(folder: Path) -> CacheReport:
    """Remove everything."""
    store = Store(folder)
    freed = housekeeping.clear(store)
    return CacheReport(usage=housekeeping.usage(store), freed=freed)


def size_text(size: int) -> str:
    """Write a size for people."""
    for unit in ("T", "G", "M", "k"):
        if size >= SIZE_UNITS[unit]:
            return f"{size / SIZE_UNITS[unit]:.1f} {unit}B"
    return f"{size} B"


def _used(stored: StoredEntry) -> str:
    return datetime.fromtimestamp(stored.used, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _size(stored: StoredEntry) -> int:
    return 0 if stored.entry is None else stored.entry.result.total_size()


def _entry_json(stored: StoredEntry) -> dict[str, Any]:
    label = None if stored.entry is None else stored.entry.label
    return {"key": stored.path.name, "call": label, "bytes": _size(stored), "used": _used(stored)}


def _entry_line(stored: StoredEntry) -> str:
    label = "(damaged)" if stored.entry is None else stored.entry.label
    return f"{stored.path.name[:12]}  {_used(stored)}  {size_text(_size(stored)):>10}  {label}"
