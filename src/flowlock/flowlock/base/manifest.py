"""What a base channel holds, and of what inputs: written last, believed only as far as the files agree."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from flowlock.base.debian import Edit
from flowlock.edges import files, memo
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


class _Entry(BaseModel):
    path: str
    record: dict[str, Any]


class _Kept(BaseModel):
    form: int = Field(alias="schema")
    inputs: str
    interpreter: str
    edits: list[Edit]
    entries: list[_Entry]


def load(folder: Path) -> Manifest:
    """Read a channel's manifest; one that is absent, damaged or of another form knows nothing."""
    kept = memo.read_plain(folder / FILE, _Kept)
    if kept is None or kept.form != SCHEMA:
        return Manifest()
    sound = [entry for entry in kept.entries if isinstance(entry.record.get("sha256"), str)]
    return Manifest(
        inputs=kept.inputs,
        interpreter=kept.interpreter,
        edits=tuple(kept.edits),
        entries=tuple(Entry(path=entry.path, record=entry.record) for entry in sound),
    )


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
