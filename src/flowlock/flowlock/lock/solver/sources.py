"""The folders that stand for channels, and their repodata, checked before an engine reads it."""

import mmap
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from flowlock.conda.records import ARCHIVES, Record, from_repodata, in_milliseconds
from flowlock.edges import files, shapes
from flowlock.edges.json_places import place_of
from flowlock.errors import FlowlockError, Location
from flowlock.lock.manifest.model import ALIAS, ExcludeNewer, channel_url

REPODATA = "repodata.json"
NOARCH = "noarch"
PACKAGES = ("packages", "packages.conda")
# What a failed run leaves as it was, for its message.
KEPT = "the previous lock"
SHOWN = 80
_BASE_URL = re.compile(
    r"(?:(?:https?|file)://)?[^\s\x00-\x1f\x7f\\@?#:]*(?::[0-9]+)?[^\s\x00-\x1f\x7f\\@?#:]*"
)
_STATED_BASE_URL = re.compile(rb'"base_url"\s*:\s*"([^"]*)"')
_HINT = "download the file again, then run the same command again"


class _PackageEntry(BaseModel):
    """What readers of repodata rely on; a package may have any other key."""

    name: str
    version: str
    build: str
    depends: list[str] = []
    constrains: list[str] = []
    extra_depends: dict[str, list[str]] | None = None
    sha256: shapes.Sha256Text | None = None
    md5: shapes.Md5Text | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelFolder:
    """A folder of `<subdir>/repodata.json` that stands for a channel; its records have the channel's URL.

    With `serves` it has all of the channel's packages that can be installed here: a pin that it does not
    have is stale. A snapshot of metadata serves nothing.
    """

    url: str
    path: Path
    serves: bool = True

    def repodata(self, subdir: str) -> Path | None:
        """Return the subdir's repodata file, if the folder has one."""
        file = self.path / subdir / REPODATA
        return file if file.is_file() else None


def snapshots(options: Iterable[str], channels: Sequence[str]) -> list[ChannelFolder]:
    """Return the folders of metadata of `DIR` or `CHANNEL=DIR`, each as the channel that it stands for.

    Without a name this is the channel of the metadata's `info.base_url`, or else the only one of `channels`
    that no other folder stands for.
    """
    folders: list[ChannelFolder] = []
    unnamed: list[Path] = []
    for option in options:
        channel, path = _channel_and_folder(option)
        url = channel or _base_channel(path)
        if url is None:
            unnamed.append(path)
        else:
            folders.append(ChannelFolder(url=url, path=path, serves=False))
    named = {folder.url.rstrip("/") for folder in folders}
    if unnamed:
        without_folder = [url for url in dict.fromkeys(channels) if url.rstrip("/") not in named]
        folders.append(_of_only_channel(unnamed, without_folder))
    return folders


def _of_only_channel(unnamed: Sequence[Path], channels: Sequence[str]) -> ChannelFolder:
    """Match a folder of an unnamed channel to the only channel without a folder; raises FlowlockError."""
    if len(unnamed) == 1 and len(channels) == 1:
        return ChannelFolder(url=channels[0], path=unnamed[0], serves=False)
    without_folder = (
        f"channels without metadata: {', '.join(channels)}" if channels else "all channels have metadata"
    )
    raise FlowlockError(
        f"the channel of {unnamed[0]} is unknown: its repodata.json has no `info.base_url`",
        code="FL620",
        hint=f"write --repodata CHANNEL={unnamed[0]}; {without_folder}",
    )


def _channel_and_folder(text: str) -> tuple[str | None, Path]:
    """Return the channel's URL (None without a name) and the folder of `CHANNEL=DIR` or `DIR`."""
    channel, separator, folder = text.rpartition("=")
    if not separator or Path(text).is_dir():
        return None, Path(text)
    return channel_url(channel), Path(folder)


def _base_channel(folder: Path) -> str | None:
    """Return the channel that a folder's metadata names, if any."""
    repodata_files = sorted(folder.glob(f"*/{REPODATA}"))
    if not repodata_files:
        raise FlowlockError(
            f"{folder} has no <platform>/{REPODATA}",
            code="FL620",
            hint="--repodata needs a folder with noarch/repodata.json and a repodata.json for each platform",
        )
    for file in repodata_files:
        base = parsed(file).get("info", {}).get("base_url")
        # A relative URL is relative to a server, which is unknown for a folder.
        if base and "://" in base:
            return channel_url(base.rstrip("/").removesuffix("/" + file.parent.name))
    return None


def require_base_url(file: Path) -> None:
    """Refuse metadata whose `info.base_url` is not a URL: the engine would panic, and print its own stack.

    It is looked for in the bytes: metadata of hundreds of megabytes are parsed by the engine only.
    """
    with file.open("rb") as stream:
        if not os.fstat(stream.fileno()).st_size:
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            bases = [match[1].decode("utf-8", "replace") for match in _STATED_BASE_URL.finditer(data)]
    if not all(map(_BASE_URL.fullmatch, bases)):
        parsed(file)


class WrongEntryError(Exception):
    """An entry of repodata is not that of a package: why, and the keys that lead to it."""

    def __init__(self, path: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message


def without_newer(
    document: Mapping[str, Any], limit: ExcludeNewer, is_exempt: Callable[[Record], bool]
) -> dict[str, Any]:
    """Return repodata without the packages that the limit forbids; a WrongEntryError if one is malformed."""
    base = str(document.get("info", {}).get("base_url") or f"{ALIAS}unknown/noarch").rstrip("/")
    kept: dict[str, Any] = {**document}
    for kind in PACKAGES:
        kept[kind] = {}
        for name, entry in document.get(kind, {}).items():
            try:
                forbidden = _is_late(entry, limit) and not is_exempt(
                    from_repodata(f"{base}/{name}", base.rpartition("/")[0], entry)
                )
            except (ValueError, OverflowError) as error:
                raise WrongEntryError((kind, name), str(error)) from error
            if not forbidden:
                kept[kind][name] = entry
    return kept


def refused_entry(file: Path, error: WrongEntryError) -> FlowlockError:
    """Return the error about an entry of a repodata file."""
    fault = _not_a_package(error.path, f"`{error.path[-1][:SHOWN]}`: {error.message}")
    return _refused(file, files.read_bytes(file), fault, kept=KEPT)


def _is_late(entry: Mapping[str, Any], limit: ExcludeNewer) -> bool:
    timestamp = entry.get("timestamp")
    moment = in_milliseconds(timestamp) if isinstance(timestamp, int) else None
    return limit.forbids(str(entry.get("name")), moment)


def parsed(file: Path, *, kept: str | None = KEPT) -> dict[str, Any]:
    """Return a repodata file's document, in which each entry has what identifies a package.

    `kept` is what the error says that the command leaves as it was.
    """
    shown = f"the channel's metadata {file.parent.name}/{file.name}"
    data = files.read_bytes(file)
    document: dict[str, Any] = shapes.parsed(
        dict[str, Any], data, what=shown, code="FL621", beyond="FL637", hint=_HINT, kept=kept, file=str(file)
    )
    fault = _wrong_part(document) or _wrong_entry(document)
    if fault is not None:
        raise _refused(file, data, fault, kept=kept)
    return document


def _refused(file: Path, data: bytes, fault: "_RepodataFault", *, kept: str | None) -> FlowlockError:
    line, column = place_of(data.decode(), fault.path)
    return FlowlockError(
        f"the channel's metadata {file.parent.name}/{file.name} {fault.message}",
        code=fault.code,
        location=Location(file=str(file), line=line, column=column),
        hint=fault.hint,
        kept=kept,
    )


class _RepodataFault(NamedTuple):
    """What is wrong with a value of repodata, and the keys that lead to it."""

    code: str
    path: tuple[str | int, ...]
    message: str
    hint: str


def _wrong_part(document: Mapping[str, Any]) -> _RepodataFault | None:
    """Return the part of repodata that does not have the shape that readers rely on, if any."""
    for part in ("info", *PACKAGES):
        if not isinstance(document.get(part, {}), dict):
            message = f"is not repodata: `{part}` is not an object"
            return _RepodataFault("FL634", (part,), message, "use the repodata.json of a channel")
    base = document.get("info", {}).get("base_url")
    if base is not None and not (isinstance(base, str) and _BASE_URL.fullmatch(base)):
        hint = "download the metadata again from the channel itself, or correct the URL"
        return _RepodataFault("FL636", ("info", "base_url"), "has an `info.base_url` that is not a URL", hint)
    return None


def _wrong_entry(document: Mapping[str, Any]) -> _RepodataFault | None:
    """Return the first entry that no package has, if any; a file may have hundreds of thousands."""
    for part in PACKAGES:
        for name, entry in document.get(part, {}).items():
            if not name.endswith(ARCHIVES) or "/" in name or "\\" in name:
                return _not_a_package((part, name), f"`{name[:SHOWN]}` is not the name of an archive")
            wrong = shapes.misfit(_PackageEntry, entry)
            if wrong is not None:
                return _not_a_package((part, name, *wrong.path), f"`{name[:SHOWN]}`: {wrong.message}")
    return None


def _not_a_package(path: tuple[str | int, ...], message: str) -> _RepodataFault:
    hint = "index the channel again, or remove the entry"
    return _RepodataFault("FL635", path, f"has an entry that does not describe a package: {message}", hint)


def entries(folder: ChannelFolder) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield subdir, file name and entry of every package of a folder."""
    for file in sorted(folder.path.glob(f"*/{REPODATA}")):
        document = parsed(file)
        for kind in PACKAGES:
            for name, entry in document.get(kind, {}).items():
                yield file.parent.name, name, entry
