"""The local channel's index: its files, made from what is kept of each artifact that was read once."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from flowlock.channel.generations import Content
from flowlock.conda import archive
from flowlock.conda.artifact import SUFFIX, Artifact
from flowlock.conda.index import (
    COMPRESSED_REPODATA,
    REPODATA,
    SHARD_INDEX,
    SHARDS,
    record_json,
    repodata_json,
    shard,
    shard_file,
    shard_index,
)
from flowlock.edges import files, memo
from flowlock.edges.shapes import Sha256Text
from flowlock.errors import FlowlockError
from flowlock.names import Sha256

# What decides, in addition to the records, which bytes an index has: raise it when our part of that changes.
INDEX_FORM = f"2, zstandard {archive.ZSTANDARD_VERSION}"
# The index stays on this machine: a level that takes a fiftieth of the time of the archives'.
INDEX_LEVEL = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelArtifact:
    """An artifact that the channel has to hold, and the file that has its bytes."""

    artifact: Artifact
    origin: Path

    def read(self) -> bytes:
        """Return the bytes of the file, which must be the artifact's."""
        data = files.read_bytes(self.origin)
        self.require(hashlib.sha256(data).hexdigest())
        return data

    def require(self, sha256: str) -> None:
        """Refuse a file that has another digest than the artifact."""
        if sha256 != self.artifact.known_sha256:
            raise FlowlockError(
                f"{self.artifact.file} is damaged",
                code="FL605",
                hint="run the same command again; flowlock builds it again",
            )


class _KnownRecord(BaseModel):
    """An artifact's record as repodata.json has it, and the name in it."""

    name: str
    text: str


class _Known(BaseModel):
    """What follows from contents alone: records by the artifact's digest, shards by what is in them."""

    form: str
    records: dict[Sha256Text, _KnownRecord]
    shards: dict[str, Sha256Text]


class ChannelIndex:
    """Makes index files; `path` is where it keeps what can be computed again."""

    def __init__(self, path: Path) -> None:
        self._path, self._changed = path, False
        known = memo.read(path, _Known)
        if known is None or known.form != INDEX_FORM:
            known = _Known(form=INDEX_FORM, records={}, shards={})
        self._records, self._shards = known.records, known.shards
        self._used: set[str] = set()
        self._made: dict[str, bytes] = {}
        self._compress = archive.compressor(INDEX_LEVEL)

    def files(self, subdir: str, held: Sequence[ChannelArtifact]) -> Iterator[tuple[str, Content]]:
        """Yield path below the channel, and content, of each file of the index of one subdir."""
        records = {entry.artifact.file: self._record(entry) for entry in held}
        by_name: dict[str, list[ChannelArtifact]] = {}
        for entry in sorted(held, key=lambda entry: entry.artifact.file):
            by_name.setdefault(records[entry.artifact.file].name, []).append(entry)
        digests = {name: self._shard_digest(entries) for name, entries in by_name.items()}
        for name, digest in digests.items():
            file, data = shard_file(digest), partial(self._shard, by_name[name], digest)
            yield f"{subdir}/{SHARDS}/{file}", Content(sha256=digest, data=data, stored=_stored_name(digest))
        repodata = repodata_json(subdir, {file: record.text for file, record in records.items()})
        yield f"{subdir}/{REPODATA}", _content(repodata)
        yield f"{subdir}/{COMPRESSED_REPODATA}", _content(self._compress(repodata))
        yield f"{subdir}/{SHARD_INDEX}", _content(shard_index(subdir, digests, self._compress))

    def save(self, held: Iterable[ChannelArtifact]) -> None:
        """Write what was learned, without what the channel no longer holds."""
        if self._changed:
            digests = {entry.artifact.known_sha256 for entry in held}
            records = {key: dict(self._records[key]) for key in self._records.keys() & digests}
            shards = {key: self._shards[key] for key in sorted(self._used)}
            memo.write(self._path, {"form": INDEX_FORM, "records": records, "shards": shards})

    def _record(self, held: ChannelArtifact) -> _KnownRecord:
        sha256 = held.artifact.known_sha256
        known = self._records.get(sha256)
        if known is None:
            record = index_record(held.origin)
            held.require(record["sha256"])
            known = _KnownRecord(name=record["name"], text=record_json(record))
            self._records[sha256], self._changed = known, True
        return known

    def _shard_digest(self, held: Sequence[ChannelArtifact]) -> Sha256:
        key = " ".join(f"{entry.artifact.file} {entry.artifact.known_sha256}" for entry in held)
        self._used.add(key)
        if key not in self._shards:
            data = self._new_shard(held)
            self._shards[key], self._changed = hashlib.sha256(data).hexdigest(), True
            self._made[self._shards[key]] = data
        return Sha256(self._shards[key])

    def _shard(self, held: Sequence[ChannelArtifact], digest: Sha256) -> bytes:
        return self._made.get(digest) or self._new_shard(held)

    def _new_shard(self, held: Sequence[ChannelArtifact]) -> bytes:
        records = {entry.artifact.file: json.loads(self._record(entry).text) for entry in held}
        return shard(records, self._compress)


def _stored_name(sha256: Sha256) -> str:
    """Return a name that keeps links to it under 60 characters: ext4 has room for that in the inode."""
    return sha256[:32]


def _content(data: bytes) -> Content:
    return Content(sha256=Sha256(hashlib.sha256(data).hexdigest()), data=lambda: data)


def artifact_contents(held: Iterable[ChannelArtifact]) -> Mapping[str, Content]:
    """Return the artifacts as files of the channel, by path."""
    return {
        entry.artifact.path: Content(
            sha256=entry.artifact.known_sha256,
            data=entry.read,
            stored=_stored_name(entry.artifact.known_sha256) + SUFFIX,
        )
        for entry in held
    }


def index_record(path: Path) -> dict[str, Any]:
    """Return an artifact's record as an index lists it."""
    data = files.read_bytes(path)
    record = archive.read_index(path)
    record["sha256"] = hashlib.sha256(data).hexdigest()
    record["md5"] = hashlib.md5(data, usedforsecurity=False).hexdigest()
    record["size"] = len(data)
    return record
