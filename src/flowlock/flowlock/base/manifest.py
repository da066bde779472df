"""What a base channel holds, and of what inputs: written last, believed only as far as the files agree."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from flowlock.base.debian import InterpreterEdit
from flowlock.edges import files, memo
from flowlock.edges.stat_cache import StatCache

FILE, DIGESTS = "manifest.json", "digests.json"
# Raised when the form of this file changes.
SCHEMA = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseEntry:
    """An archive of the channel: its place, and its record in the channel's repodata."""

    path: str
    record: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseManifest:
    """The archives, the digest of all that they were made of, and that of the interpreter alone.

    `edits` are what the packaged interpreter has otherwise than the one on this machine.
    """

    inputs: str = ""
    interpreter: str = ""
    edits: tuple[InterpreterEdit, ...] = ()
    entries: tuple[BaseEntry, ...] = ()


class _ManifestEntry(BaseModel):
    path: str
    record: dict[str, Any]


class _ManifestFile(BaseModel):
    form: int = Field(alias="schema")
    inputs: str
    interpreter: str
    edits: list[InterpreterEdit]
    entries: list[_ManifestEntry]


def load(folder: Path) -> BaseManifest:
    """Read a channel's manifest; a missing, damaged or malformed one counts as empty."""
    kept = memo.read_plain(folder / FILE, _ManifestFile)
    if kept is None or kept.form != SCHEMA:
        return BaseManifest()
    sound = [entry for entry in kept.entries if isinstance(entry.record.get("sha256"), str)]
    return BaseManifest(
        inputs=kept.inputs,
        interpreter=kept.interpreter,
        edits=tuple(kept.edits),
        entries=tuple(BaseEntry(path=entry.path, record=entry.record) for entry in sound),
    )


def save(folder: Path, manifest: BaseManifest) -> None:
    """Write a channel's manifest, if it says anything new."""
    text = json.dumps({"schema": SCHEMA, **asdict(manifest)}, indent=1) + "\n"
    files.sync_folder(folder, {FILE: text})


def sound_entries(folder: Path, entries: Sequence[BaseEntry]) -> dict[str, BaseEntry]:
    """Return the entries whose file has the digest of the record, by path."""
    digests = StatCache(folder / DIGESTS)
    sound = {}
    for entry in entries:
        archive = folder / entry.path
        if archive.is_file() and digests.sha256(archive) == entry.record["sha256"]:
            sound[entry.path] = entry
    digests.save([folder])
    return sound
