"""The local channel on disk: the artifacts that it has to hold, under a complete index."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from flowlock.channel.generations import Content, Generations
from flowlock.channel.index import ChannelArtifact, ChannelIndex, artifact_contents
from flowlock.conda.artifact import Artifact
from flowlock.edges import memo
from flowlock.edges.shapes import Sha256Text
from flowlock.edges.stat_cache import StatCache
from flowlock.names import Sha256

__all__ = ["ChannelArtifact", "ChannelEntry", "entries", "put", "whole"]

STAT_CACHE = "channel-stat.json"
INDEX_MEMO = "channel-index.json"


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


def put(channel: Path, held: Sequence[ChannelArtifact], *, subdirs: Iterable[str], cache: Path) -> bool:
    """Make the channel hold exactly these artifacts under a complete index; say whether anything changed.

    `cache` is a folder for what can be computed again.
    """
    index = ChannelIndex(cache / INDEX_MEMO)
    by_subdir: dict[str, list[ChannelArtifact]] = {subdir: [] for subdir in ("noarch", *subdirs)}
    for entry in held:
        by_subdir.setdefault(entry.artifact.subdir, []).append(entry)
    wanted: dict[str, Content] = {**artifact_contents(held)}
    for subdir, entries_of in by_subdir.items():
        wanted.update(index.files(subdir, entries_of))
    changed = Generations(channel, StatCache(cache / STAT_CACHE)).put(wanted)
    index.save(held)
    return changed


def whole(channel: Path, *, cache: Path) -> dict[str, Sha256]:
    """Return the artifacts that the index lists and that are here with the digest it gives, by path."""
    listed = {entry.artifact.path: entry.artifact.known_sha256 for entry in entries(channel)}
    digests = StatCache(cache / STAT_CACHE)
    present = {place: channel / place for place in listed if (channel / place).is_file()}
    return {place: listed[place] for place, path in present.items() if digests.sha256(path) == listed[place]}
