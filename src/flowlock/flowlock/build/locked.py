"""The records that a build gets, as channels which list exactly those."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flowlock import files
from flowlock.errors import FlowlockError
from flowlock.lock.records import Record
from flowlock.names import Platform, Sha256
from flowlock.stat_cache import StatCache


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What a job may take packages from: channels, the folders that they lead to, and whether others."""

    channels: tuple[str, ...]
    readable: tuple[Path, ...] = ()
    network: bool = False

    def before(self, channel: Path) -> "Offer":
        """Return the same with a channel of this machine that comes first."""
        return Offer(
            channels=(channel.as_uri(), *self.channels),
            readable=(channel, *self.readable),
            network=self.network,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """Build environments as they are locked for one platform; `of` names each package's.

    `mirrors` are folders that stand for channels. A package without an environment builds from open channels.
    """

    of: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    mirrors: Mapping[str, Path] = field(default_factory=dict)
    platform: Platform | None = None
    digests: Path | None = None

    def digest(self, package: str) -> Sha256 | None:
        """Return the digest of a package's environment, None if it has none."""
        if package not in self.of:
            return None
        return digest_of(self.records[self.of[package]])

    def offer(self, package: str, folder: Path) -> Offer | None:
        """Write the one-off channels of a package's environment into a folder, None if it has none."""
        if package not in self.of:
            return None
        return offer(
            self.records[self.of[package]],
            folder,
            mirrors=self.mirrors,
            platform=self.platform,
            digests=self.digests,
        )


def open_channels(channels: Sequence[str]) -> Offer:
    """Return what channels offer as they are."""
    local = {channel: folder_of(channel) for channel in channels}
    return Offer(
        channels=tuple(channels),
        readable=tuple(folder for folder in local.values() if folder is not None),
        network=None in local.values(),
    )


def folder_of(channel: str) -> Path | None:
    """Return the folder that a channel is, None for one that is elsewhere."""
    if channel.startswith("file://"):
        # Imported here: it brings an HTTP client, which a build that finds all current does without.
        from urllib.request import url2pathname

        return Path(url2pathname(urlsplit(channel).path))
    return Path(channel) if Path(channel).is_absolute() else None


def digest_of(records: Sequence[Record]) -> Sha256:
    """Return the digest of an environment: which packages, and which bytes of them."""
    pins = sorted((record.url, record.sha256) for record in records)
    return Sha256(hashlib.sha256(json.dumps(pins).encode()).hexdigest())


def offer(
    records: Sequence[Record],
    folder: Path,
    *,
    mirrors: Mapping[str, Path],
    platform: str | None,
    digests: Path | None,
) -> Offer:
    """Write channels that list exactly these records, with the places of their files as base URLs.

    The engine does not check the bytes of files of this machine, so that is done here.
    """
    known = StatCache(digests)
    bases: dict[tuple[str, str], list[Record]] = {}
    readable = set()
    network = False
    for record in records:
        local = _local(record, mirrors)
        if local is None:
            network = True
        else:
            readable.add(local)
            _check(local / record.file_name, record, known)
        bases.setdefault((record.channel, record.subdir), []).append(record)
    known.save()
    made = {channel: folder / f"{number}" for number, channel in enumerate(sorted({c for c, _ in bases}))}
    # Imported here: nothing is offered where all is current.
    from flowlock.lock.metadata import write_repodata

    for (channel, _), group in bases.items():
        local = _local(group[0], mirrors)
        base = local.as_uri() if local else group[0].url.rpartition("/")[0]
        write_repodata(made[channel], channel, base, group)
    for path in made.values():
        for subdir in filter(None, ("noarch", platform)):
            _empty(path / subdir)
    return Offer(
        channels=tuple(path.as_uri() for path in made.values()),
        readable=(*made.values(), *sorted(readable)),
        network=network,
    )


def _local(record: Record, mirrors: Mapping[str, Path]) -> Path | None:
    """Return the folder of this machine that holds a record's file, None if it is elsewhere."""
    channels = {url.rstrip("/"): path for url, path in mirrors.items()}
    folder = channels.get(record.channel) or folder_of(record.channel)
    return folder / record.subdir if folder else None


def _check(path: Path, record: Record, known: StatCache) -> None:
    if not path.is_file() or known.sha256(path) != record.sha256:
        raise FlowlockError(
            f"{record.file_name} is not there with the bytes that the build's lock pins",
            code="FL552",
            hint="run `flowlock base` to make it again, then the same command",
        )


def _empty(folder: Path) -> None:
    """Give a subdir without packages an index: clients ask for it all the same."""
    if not (folder / "repodata.json").is_file():
        text = json.dumps({"info": {"subdir": folder.name}, "packages": {}, "packages.conda": {}})
        files.write_text(folder / "repodata.json", text)
