"""What a base channel holds, and of what inputs: written last, believed only as far as the files agree."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flowlock.base.debian import Edit
from flowlock.edges import files
from flowlock.edges.stat_cache import StatCache

FILE, DIGESTS = "manifest.json", "digests.json"
# Raised when the form of this file changes.
SCHEMA = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An archive of the channel: its place, and its record in the channel's repodata."""

    path: str
    record: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The archives, the digest of all that they were made of, and that of the interpreter alone.

    `edits` are what the packaged interpreter has otherwise than the one on this machine.
    """

    inputs: str = ""
    interpreter: str = ""
    edits: tuple[Edit, ...] = ()
    entries: tuple[Entry, ...] = ()


def load(folder: Path) -> Manifest:
    """Read a channel's manifest; one that is absent, damaged or of another form knows nothing."""
    try:
        document = json.loads((folder / FILE).read_bytes())
        if document["schema"] != SCHEMA:
            return Manifest()
        entries = tuple(Entry(**entry) for entry in document["entries"])
        edits = tuple(Edit(**edit) for edit in document["edits"])
        inputs, interpreter = document["inputs"], document["interpreter"]
        return Manifest(inputs=inputs, interpreter=interpreter, edits=edits, entries=entries)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return Manifest()


def save(folder: Path, manifest: Manifest) -> None:
    """Write a channel's manifest, if it says anything new."""
    text = json.dumps({"schema": SCHEMA, **asdict(manifest)}, indent=1) + "\n"
    files.sync_folder(folder, {FILE: text})


def sound_entries(folder: Path, entries: Sequence[Entry]) -> dict[str, Entry]:
    """Return the entries whose file has the digest of the record, by path."""
    digests = StatCache(folder / DIGESTS)
    found = {one.path: one for one in entries if _is_sound(folder / one.path, one, digests)}
    digests.save([folder])
    return found


def _is_sound(path: Path, entry: Entry, digests: StatCache) -> bool:
    return path.is_file() and digests.sha256(path) == entry.record["sha256"]
