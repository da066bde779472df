"""The local channel on disk: complete generations, of which a link names the current one."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from flowlock.conda import archive
from flowlock.conda.artifact import Artifact
from flowlock.conda.index import Record, index_files
from flowlock.edges import files, memo
from flowlock.edges.memo import digest_of
from flowlock.edges.shapes import Sha256Text
from flowlock.edges.stat_cache import StatCache
from flowlock.errors import FlowlockError, from_os_error
from flowlock.names import Sha256

# The folder of the generations, beside the link; its name says whose they are.
GENERATIONS = ".generations"
STAT_CACHE = "channel-stat.json"
INDEX_MEMO = "channel-index.json"
# What decides, in addition to the records, which bytes an index has: raise it when our part of that changes.
INDEX_FORM = f"1, zstandard {archive.ZSTANDARD_VERSION}"
SYNCS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelArtifact:
    """An artifact that the channel has to hold, and the file that has its bytes."""

    artifact: Artifact
    origin: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelEntry:
    """An artifact that the channel's index lists."""

    artifact: Artifact
    size: int

    def as_json(self) -> dict[str, Any]:
        """Return name, version, build, subdir, file, sha256 and size."""
        keys = ("name", "version", "build", "subdir", "file", "sha256")
        return {**{key: getattr(self.artifact, key) for key in keys}, "size": self.size}


def entries(channel: Path) -> list[ChannelEntry]:
    """Return what the channel's index lists, nothing if there is no index or it is damaged."""
    listed: list[ChannelEntry] = []
    for path in sorted(channel.glob("*/repodata.json")):
        index = memo.read_plain(path, _ChannelIndex)
        if index is not None:
            listed += [record.listed(path.parent.name) for _, record in sorted(index.conda.items())]
    return listed


class _IndexRecord(BaseModel):
    """What the channel's index says of a package."""

    name: str
    version: str
    build: str
    build_number: int
    sha256: Sha256Text
    size: int

    def listed(self, subdir: str) -> ChannelEntry:
        artifact = Artifact(
            name=self.name,
            version=self.version,
            build=self.build,
            number=self.build_number,
            subdir=subdir,
            sha256=Sha256(self.sha256),
        )
        return ChannelEntry(artifact=artifact, size=self.size)


class _ChannelIndex(BaseModel):
    """The channel's repodata.json."""

    conda: dict[str, _IndexRecord] = Field(alias="packages.conda")


class _CachedRecords(BaseModel):
    """What is kept of artifacts and indices: their records and digests, by digest."""

    form: str
    records: dict[Sha256Text, dict[str, Any]]
    indexes: dict[str, dict[str, Sha256Text]]


def put(channel: Path, held: Sequence[ChannelArtifact], *, subdirs: Iterable[str], cache: Path) -> bool:
    """Make the channel hold exactly these artifacts under a complete index; say whether anything changed.

    What is on disk decides: a file that is missing, foreign or altered makes a new generation, which takes
    the place of the old one in one step. `cache` is a folder for what can be computed again.
    """
    digests = StatCache(cache / STAT_CACHE)
    facts = _ContentFacts(cache / INDEX_MEMO)
    wanted = {entry.artifact.path: entry for entry in held}
    records = facts.records(wanted.values())
    by_subdir: dict[str, dict[str, Record]] = {subdir: {} for subdir in ("noarch", *subdirs)}
    for entry in held:
        artifact = entry.artifact
        by_subdir.setdefault(artifact.subdir, {})[artifact.file] = records[artifact.known_sha256]
    index = facts.index_digests(by_subdir)
    expected = {**{place: entry.artifact.known_sha256 for place, entry in wanted.items()}, **index}
    present = _contents(channel, digests)
    intact = present == expected
    if not intact:
        kept = {place for place, sha256 in expected.items() if present.get(place) == sha256}
        _replace(channel, wanted, facts.index(by_subdir), kept)
        _contents(channel, digests)
    _tidy(channel)
    digests.save([channel])
    facts.save(wanted.values())
    return not intact


def whole(channel: Path, *, cache: Path) -> dict[str, Sha256]:
    """Return the artifacts that the index lists and that are here with the digest it gives, by path."""
    listed = {entry.artifact.path: entry.artifact.known_sha256 for entry in entries(channel)}
    digests = StatCache(cache / STAT_CACHE)
    present = {place: channel / place for place in listed if (channel / place).is_file()}
    return {place: listed[place] for place, path in present.items() if digests.sha256(path) == listed[place]}


def _contents(channel: Path, digests: StatCache) -> dict[str, Sha256]:
    """Return every file of the channel with its digest, from its contents or the stat cache."""
    contents = {}
    for folder, _, names in os.walk(channel):
        for name in names:
            path = Path(folder, name)
            contents[path.relative_to(channel).as_posix()] = digests.sha256(path)
    return contents


def _replace(
    channel: Path, wanted: Mapping[str, ChannelArtifact], index: Mapping[str, bytes], kept: Collection[str]
) -> None:
    """Fill a new generation, then let the link name it. The one before stays for those who read it now.

    What is `kept` is whole in the current generation, and linked from there.
    """
    generations = _generations(channel)
    try:
        generations.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=files.TEMPORARY_PREFIX, dir=generations))
        staging.chmod(0o755)
        for place in {*wanted, *index}:
            path = staging / place
            path.parent.mkdir(parents=True, exist_ok=True)
            if place in kept:
                files.link(channel / place, path)
            else:
                path.write_bytes(index[place] if place in index else _bytes(wanted[place]))
        _sync(staging)
        fresh = generations / str(1 + max(_numbers(generations), default=0))
        staging.rename(fresh)
        _switch(channel, fresh)
    except OSError as error:
        raise from_os_error(error, "write", channel) from error


def _generations(channel: Path) -> Path:
    return channel.with_name(channel.name + GENERATIONS)


def _numbers(generations: Path) -> list[int]:
    return [int(path.name) for path in generations.iterdir() if path.name.isdecimal()]


def _tidy(channel: Path) -> None:
    """Remove what killed writers left, and all generations but the current one and the one before."""
    _next_link(channel).unlink(missing_ok=True)
    generations = _generations(channel)
    if not channel.is_symlink() or not generations.is_dir():
        return
    current = channel.readlink().name
    older = [number for number in _numbers(generations) if current.isdecimal() and number < int(current)]
    kept = {current, str(max(older, default=0))}
    for path in generations.iterdir():
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)


def _next_link(channel: Path) -> Path:
    return channel.with_name(files.TEMPORARY_PREFIX + channel.name)


def _bytes(held: ChannelArtifact) -> bytes:
    data = files.read_bytes(held.origin)
    if hashlib.sha256(data).hexdigest() != held.artifact.sha256:
        raise FlowlockError(
            f"{held.artifact.file} is damaged",
            code="FL605",
            hint="run the same command again; flowlock builds it again",
        )
    return data


def _sync(folder: Path) -> None:
    """Bring a generation to the disk before anything names it; what is linked came there with another."""
    fresh, folders = [], [folder]
    for path in folder.rglob("*"):
        if path.is_dir():
            folders.append(path)
        elif path.stat().st_nlink == 1:
            fresh.append(path)
    # A disk takes many at once in hardly more time than one.
    with ThreadPoolExecutor(SYNCS) as pool:
        list(pool.map(_flush, fresh))
        # Windows opens no folder.
        if os.name == "posix":
            list(pool.map(_flush, folders))


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _switch(channel: Path, fresh: Path) -> None:
    """Let the channel's link name another generation: one rename, so a reader sees the old or the new."""
    link = _next_link(channel)
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.relative_to(channel.parent), target_is_directory=True)
    if channel.exists() and not channel.is_symlink():
        shutil.rmtree(channel)
    link.replace(channel)


class _ContentFacts:
    """What follows from contents alone: the record of an artifact, the digests of an index's files."""

    def __init__(self, path: Path) -> None:
        self._path, self._changed = path, False
        self._made: dict[str, dict[str, bytes]] = {}
        kept = memo.read(path, _CachedRecords)
        if kept is None or kept.form != INDEX_FORM:
            kept = _CachedRecords(form=INDEX_FORM, records={}, indexes={})
        self._records, self._indexes = kept.records, kept.indexes

    def records(self, held: Iterable[ChannelArtifact]) -> dict[str, Record]:
        """Return the index record of each artifact by digest."""
        return {entry.artifact.known_sha256: self._record(entry) for entry in held}

    def _record(self, held: ChannelArtifact) -> Record:
        artifact, sha256 = held.artifact, held.artifact.known_sha256
        record = self._records.get(sha256)
        if record is None or record.get("sha256") != sha256:
            record = self._records[sha256] = index_record(held.origin)
            self._changed = True
            if record["sha256"] != sha256:
                raise FlowlockError(
                    f"{artifact.file} is damaged",
                    code="FL605",
                    hint="run the same command again; flowlock builds it again",
                )
        return dict(record)

    def index_digests(self, records: Mapping[str, Mapping[str, Record]]) -> dict[str, Sha256]:
        """Return the digests of the index files that these records give."""
        key = digest_of(records)
        if key not in self._indexes:
            index_files = self.index(records)
            digests = {place: hashlib.sha256(data).hexdigest() for place, data in index_files.items()}
            self._indexes, self._changed = {key: digests}, True
        return {place: Sha256(value) for place, value in self._indexes[key].items()}

    def index(self, records: Mapping[str, Mapping[str, Record]]) -> dict[str, bytes]:
        """Return the index files that these records give."""
        key = digest_of(records)
        if key not in self._made:
            self._made = {key: index_files(records, archive.compressor())}
        return self._made[key]

    def save(self, held: Iterable[ChannelArtifact]) -> None:
        """Write what was learned, without the records of artifacts that the channel no longer holds."""
        if self._changed:
            current = {entry.artifact.sha256 for entry in held}
            records = {key: record for key, record in self._records.items() if key in current}
            document = {"form": INDEX_FORM, "records": records, "indexes": self._indexes}
            memo.write(self._path, document)


def index_record(path: Path) -> dict[str, Any]:
    """Return an artifact's record as an index lists it."""
    data = files.read_bytes(path)
    record = archive.read_index(path)
    record["sha256"] = hashlib.sha256(data).hexdigest()
    record["md5"] = hashlib.md5(data, usedforsecurity=False).hexdigest()
    record["size"] = len(data)
    return record
