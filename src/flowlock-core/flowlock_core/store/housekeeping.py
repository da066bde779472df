"""What a store holds, how large it is, and what is removed from it."""

import json
import shutil
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

from flowlock_core.store.entry import Entry
from flowlock_core.store.errors import DamagedError
from flowlock_core.store.store import ENTRIES, Store

# A run that is going on has written objects before their entry.
_YOUNG = 3600.0
_TEMPORARY = ".flowlock-tmp-"
DAY = 86400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEntry:
    """An entry with the time of its last use; without one, it is damaged."""

    path: Path
    used: float
    entry: Entry | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """How much a store holds."""

    folder: Path
    entries: int
    damaged: int
    size: int

    def as_json(self) -> dict[str, Any]:
        """Return {folder, entries, damaged, bytes}."""
        return {
            "folder": str(self.folder),
            "entries": self.entries,
            "damaged": self.damaged,
            "bytes": self.size,
        }


def entries(store: Store) -> list[StoredEntry]:
    """Return all entries, those that were used last first."""
    stored = []
    for path in _files(store.folder.path / ENTRIES):
        # Another run may have removed it.
        with suppress(FileNotFoundError):
            used = path.stat().st_mtime
            try:
                entry = Entry.from_json(json.loads(path.read_bytes().partition(b"\n")[2]))
            except (DamagedError, ValueError):
                entry = None
            stored.append(StoredEntry(path=path, used=used, entry=entry))
    return sorted(stored, key=lambda entry: entry.used, reverse=True)


def usage(store: Store) -> Usage:
    """Return how much a store holds."""
    stored = entries(store)
    return Usage(
        folder=store.folder.path,
        entries=len(stored),
        damaged=len([entry for entry in stored if entry.entry is None]),
        size=sum(_size(path) for path in _files(store.folder.path)),
    )


def collect(store: Store, *, max_bytes: int, max_age: float) -> int:
    """Remove what was not used for `max_age` seconds; remove more, the oldest first, above `max_bytes`.

    Return how many bytes were freed.
    """
    before = usage(store).size
    needed: dict[str, int] = {}
    removed: set[str] = set()
    kept_bytes = 0
    for stored in entries(store):
        objects: dict[str, int] = {}
        if stored.entry is not None:
            objects = {name: _size(store.folder.object_path(name)) for name in stored.entry.objects()}
        more = sum(size for name, size in objects.items() if name not in needed) + _size(stored.path)
        too_old = time() - stored.used > max_age
        if stored.entry is None or too_old or kept_bytes + more > max_bytes:
            stored.path.unlink(missing_ok=True)
            removed |= objects.keys()
            continue
        kept_bytes += more
        needed |= objects
    _remove_unneeded(store, needed, removed)
    return before - usage(store).size


def clear(store: Store) -> int:
    """Remove everything; return how many bytes were freed."""
    before = usage(store).size
    for folder in ("entries", "objects", "files", "last"):
        shutil.rmtree(store.folder.path / folder, ignore_errors=True)
    return before - usage(store).size


def _remove_unneeded(store: Store, needed: Mapping[str, int], removed: AbstractSet[str]) -> None:
    for path in _files(store.folder.path):
        is_temporary = path.name.startswith(_TEMPORARY)
        if not is_temporary and (path.parent.parent.name != "objects" or path.name in needed):
            continue
        with suppress(FileNotFoundError):
            if path.name in removed or time() - path.stat().st_mtime > _YOUNG:
                path.unlink()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
