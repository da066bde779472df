"""What a base channel holds, and of what inputs: written last, believed only as far as the files agree."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flowlock import files

FILE = "manifest.json"
# Raised when the form of this file changes.
SCHEMA = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An archive of the channel: its place, its record, and its stat when its digest was the record's."""

    path: str
    record: Mapping[str, Any]
    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The archives, the digest of all that they were made of, and that of the interpreter alone."""

    inputs: str = ""
    interpreter: str = ""
    entries: tuple[Entry, ...] = ()


def load(folder: Path) -> Manifest:
    """Read a channel's manifest; one that is absent, damaged or of another form knows nothing."""
    try:
        document = json.loads((folder / FILE).read_bytes())
        if document["schema"] != SCHEMA:
            return Manifest()
        entries = tuple(Entry(**entry) for entry in document["entries"])
        return Manifest(inputs=document["inputs"], interpreter=document["interpreter"], entries=entries)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return Manifest()


def save(folder: Path, manifest: Manifest) -> None:
    """Write a channel's manifest, if it says anything new."""
    text = json.dumps({"schema": SCHEMA, **asdict(manifest)}, indent=1) + "\n"
    files.sync_folder(folder, {FILE: text})


def describe(folder: Path, path: str, record: Mapping[str, Any]) -> Entry:
    """Describe an archive as it lies in the folder."""
    stat = (folder / path).stat()
    return Entry(path=path, record=record, size=stat.st_size, mtime_ns=stat.st_mtime_ns, inode=stat.st_ino)


def sound_entries(folder: Path, entries: Sequence[Entry]) -> dict[str, Entry]:
    """Return the entries whose file is what it was, by path.

    A file with the stat that it had is not read, as in git's index; any other is believed by its digest.
    """
    checked = (_checked(folder, one) for one in entries)
    return {one.path: one for one in checked if one is not None}


def _checked(folder: Path, known: Entry) -> Entry | None:
    path = folder / known.path
    if not os.path.lexists(path) or not path.is_file():
        return None
    now = describe(folder, known.path, known.record)
    if now == known:
        return known
    same = now.size == known.size and files.sha256_of(path) == known.record["sha256"]
    return now if same else None
