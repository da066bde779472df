"""The records that a build gets, as channels which list exactly those."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flowlock.conda.records import Record
from flowlock.edges import files
from flowlock.edges.memo import digest_of
from flowlock.edges.stat_cache import StatCache
from flowlock.edges.state_folder import StateFolder
from flowlock.errors import FlowlockError
from flowlock.lock.solver import sources
from flowlock.names import Platform, Sha256
from flowlock.report.reporter import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelSet:
    """The channels that a job takes packages from, the folders that they lead to, and whether over a network.

    `packages` are the names that the engine unpacks these packages under; None if that is not known.
    """

    channels: tuple[str, ...]
    readable: tuple[Path, ...] = ()
    network: bool = False
    packages: frozenset[str] | None = None

    def preceded_by(self, channel: Path, packages: Iterable[str]) -> "ChannelSet":
        """Return the set with one of our channels, which holds these packages, before the others."""
        # A job sees only what it is given: the generation itself, and beside it what its links lead to.
        generation = channel.resolve()
        return ChannelSet(
            channels=(generation.as_uri(), *self.channels),
            readable=(generation.parent, *self.readable),
            network=self.network,
            packages=None if self.packages is None else self.packages.union(packages),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordFiles:
    """The source of records' files: `mirrors` are folders that stand for channels, the rest is downloaded.

    `state` keeps downloads and digests.
    """

    mirrors: Mapping[str, Path]
    state: StateFolder
    offline: bool
    progress: Progress

    def folder(self, record: Record) -> Path | None:
        """Return the folder of this machine that holds a record's file, None if it is elsewhere."""
        channels = {url.rstrip("/"): path for url, path in self.mirrors.items()}
        folder = channels.get(record.channel) or folder_of(record.channel)
        return folder.resolve() / record.subdir if folder else None

    def folders(self, records: Iterable[Record]) -> set[Path]:
        """Return the folders of this machine that hold records' files, and those that links there lead to."""
        folders = set()
        for record in records:
            folder = self.folder(record)
            if folder is not None:
                folders |= {folder, (folder / record.file_name).resolve().parent}
        return folders

    def check(self, records: Iterable[Record]) -> None:
        """Refuse files of this machine with other bytes: the engine does not check them."""
        digests = StatCache(self.state.archive_digests)
        for record in records:
            folder = self.folder(record)
            if folder is None:
                continue
            path = folder / record.file_name
            if not path.is_file() or digests.sha256(path) != record.sha256:
                raise FlowlockError(
                    f"{record.file_name} does not exist with the bytes that the build lock pins",
                    code="FL552",
                    hint="run `flowlock base` to build it again, then run the same command again",
                )
        digests.save()

    def fetch(self, records: Iterable[Record]) -> dict[str, Path]:
        """Return URL → file of records that are elsewhere, after downloading those that never were."""
        from flowlock.edges.downloads import PinnedFile, download

        pins = [
            PinnedFile(file=record.file_name, url=record.url, sha256=str(record.sha256))
            for record in records
            if self.folder(record) is None
        ]
        if not pins:
            return {}
        try:
            places = download(pins, self.state.archives, offline=self.offline, progress=self.progress)
        except FlowlockError as error:
            if error.problems[0].code != "FL022":
                raise
            hint = f"{error.hint}; `--profile embedded` needs no conda channel"
            raise FlowlockError(error.message, code="FL022", hint=hint) from error
        return {pin.url: path for pin, path in places.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedBuildEnvironments:
    """Build environments as they are locked for one platform; `of` names each package's.

    A package without an environment needs none, and gets open channels.
    """

    of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    records: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    platform: Platform | None = None
    source: RecordFiles | None = None

    def digest(self, package: str) -> Sha256 | None:
        """Return the digest of a package's environment, None if it has none."""
        if package not in self.of:
            return None
        return packages_digest(self._of(package))

    def channel_set(self, package: str, folder: Path) -> ChannelSet | None:
        """Write the one-off channels of a package's environment into a folder, None if it has none."""
        if package not in self.of or self.source is None:
            return None
        return pinned_channel_set(self._of(package), folder, source=self.source, platform=self.platform)

    def _of(self, package: str) -> list[Record]:
        pinned = (record for name in self.of[package] for record in self.records.get(name, ()))
        return list({record.url: record for record in pinned}.values())


def open_channels(channels: Sequence[str]) -> ChannelSet:
    """Return channels as they are."""
    folders = [folder_of(channel) for channel in channels]
    local = [folder for folder in folders if folder is not None]
    return ChannelSet(
        channels=tuple(channels),
        readable=tuple(local),
        network=None in folders,
        packages=_listed(local) if len(local) == len(folders) else None,
    )


def _listed(channels: Iterable[Path]) -> frozenset[str]:
    """Return the names that the engine unpacks the packages of channels of this machine under."""
    names: set[str] = set()
    for channel in channels:
        for path in channel.glob(f"*/{sources.REPODATA}"):
            index = sources.parsed(path, kept=None)
            names.update(_stem(file) for kind in sources.PACKAGES for file in index.get(kind, {}))
    return frozenset(names)


def _stem(file: str) -> str:
    return file.removesuffix(".conda").removesuffix(".tar.bz2")


def folder_of(channel: str) -> Path | None:
    """Return the folder that a channel is, None for one that is elsewhere."""
    if channel.startswith("file://"):
        # Imported here: it brings an HTTP client, which a build that finds all current does without.
        from urllib.request import url2pathname

        return Path(url2pathname(urlsplit(channel).path))
    return Path(channel) if Path(channel).is_absolute() else None


def packages_digest(records: Sequence[Record]) -> Sha256:
    """Return the digest of an environment: which packages, and which bytes of them."""
    pins = sorted((record.url, record.sha256) for record in records)
    return digest_of(pins)


def pinned_channel_set(
    records: Sequence[Record], folder: Path, *, source: RecordFiles, platform: str | None
) -> ChannelSet:
    """Write channels that list exactly these records, with the places of their files as base URLs.

    What is elsewhere is downloaded first: engines that fill one package cache over the network at the same
    time fail now and then, and a build that has its packages here needs no network.
    """
    from flowlock.lock.solver.metadata import write_repodata

    source.check(records)
    downloaded = source.fetch(records)
    groups = _by_subdir(records)
    urls = sorted({url for url, _ in groups})
    channels = {url: folder / str(number) for number, url in enumerate(urls)}
    for (url, subdir), group in groups.items():
        packages = source.folder(group[0]) or channels[url] / subdir
        write_repodata(channels[url], url, packages.as_uri(), group)
        for record in group:
            if record.url in downloaded:
                files.link(downloaded[record.url], packages / record.file_name)
    for channel in channels.values():
        _complete(channel, ("noarch", platform))
    return ChannelSet(
        channels=tuple(path.as_uri() for path in channels.values()),
        readable=(*channels.values(), *sorted(source.folders(records))),
        packages=frozenset(_stem(record.file_name) for record in records),
    )


def _by_subdir(records: Iterable[Record]) -> dict[tuple[str, str], list[Record]]:
    """Return records by channel and subdir."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.channel, record.subdir), []).append(record)
    return groups


def _complete(channel: Path, subdirs: Iterable[str | None]) -> None:
    """Give subdirs without packages an index: clients ask for it all the same."""
    for subdir in filter(None, subdirs):
        path = channel / subdir / "repodata.json"
        if not path.is_file():
            text = json.dumps({"info": {"subdir": subdir}, "packages": {}, "packages.conda": {}})
            files.write_text(path, text)
