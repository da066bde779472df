"""Where a solve's metadata comes from, as data, and the files of it checked before an engine reads them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowlock.conda.records import Record, from_repodata, in_milliseconds
from flowlock.edges import files
from flowlock.errors import FlowlockError
from flowlock.lock.manifest.model import ALIAS, ExcludeNewer, channel_url

REPODATA = "repodata.json"
NOARCH = "noarch"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelFolder:
    """A folder of `<subdir>/repodata.json` that stands for a channel: records bear the channel's URL.

    One that `serves` is all that can be installed of its channel here: a pin that it does not hold is stale.
    A snapshot of metadata serves nothing.
    """

    url: str
    path: Path
    serves: bool = True

    def repodata(self, subdir: str) -> Path | None:
        """Return the subdir's repodata file, if the folder has one."""
        file = self.path / subdir / REPODATA
        return file if file.is_file() else None


def snapshots(given: Iterable[str], channels: Sequence[str]) -> list[ChannelFolder]:
    """Return the folders of metadata of `DIR` or `CHANNEL=DIR`, each as the channel that it stands for.

    Without a name that is the channel of the metadata's `info.base_url`; without that the only one of
    `channels` that is left.
    """
    folders: list[ChannelFolder] = []
    unnamed: list[Path] = []
    for text in given:
        channel, path = _named(text)
        url = channel or _base_channel(path)
        if url is None:
            unnamed.append(path)
        else:
            folders.append(ChannelFolder(url=url, path=path, serves=False))
    named = {folder.url.rstrip("/") for folder in folders}
    left = [channel for channel in dict.fromkeys(channels) if channel.rstrip("/") not in named]
    if unnamed:
        folders.append(_only_left(unnamed, left))
    return folders


def _only_left(unnamed: Sequence[Path], left: Sequence[str]) -> ChannelFolder:
    """Return the one folder that names no channel as the one channel that is left."""
    if len(unnamed) == 1 and len(left) == 1:
        return ChannelFolder(url=left[0], path=unnamed[0], serves=False)
    raise FlowlockError(
        f"{unnamed[0]} does not say of which channel it is: its repodata.json has no `info.base_url`",
        code="FL620",
        hint=f"write --repodata CHANNEL={unnamed[0]}; the channels are {', '.join(left) or 'all given'}",
    )


def _named(text: str) -> tuple[str | None, Path]:
    """Return the channel's URL, if there is one, and the folder of `CHANNEL=DIR` or `DIR`."""
    channel, separator, folder = text.rpartition("=")
    if not separator or Path(text).is_dir():
        return None, Path(text)
    return channel_url(channel), Path(folder)


def _base_channel(folder: Path) -> str | None:
    """Return the channel that a folder's metadata names, if it does."""
    found = sorted(folder.glob(f"*/{REPODATA}"))
    if not found:
        raise FlowlockError(
            f"{folder} holds no <platform>/{REPODATA}",
            code="FL620",
            hint="--repodata takes a folder with noarch/repodata.json and one such file a platform",
        )
    for file in found:
        base = parsed(file).get("info", {}).get("base_url")
        if isinstance(base, str) and base:
            return channel_url(base.rstrip("/").removesuffix("/" + file.parent.name))
    return None


def without_newer(
    document: Mapping[str, Any], limit: ExcludeNewer, is_exempt: Callable[[Record], bool]
) -> dict[str, Any]:
    """Return repodata without what the limit forbids; what has no timestamp is, as by the engine."""
    base = str(document.get("info", {}).get("base_url") or f"{ALIAS}unknown/noarch").rstrip("/")
    kept: dict[str, Any] = {**document}
    for kind in ("packages", "packages.conda"):
        kept[kind] = {
            name: entry
            for name, entry in document.get(kind, {}).items()
            if not _is_late(entry, limit)
            or is_exempt(from_repodata(f"{base}/{name}", base.rpartition("/")[0], entry))
        }
    return kept


def _is_late(entry: Mapping[str, Any], limit: ExcludeNewer) -> bool:
    cutoff, stamp = limit.cutoff_of(str(entry.get("name"))), entry.get("timestamp")
    if cutoff is None:
        return False
    return not isinstance(stamp, int) or in_milliseconds(stamp) > cutoff


def parsed(file: Path) -> dict[str, Any]:
    """Return a repodata file's document; a FlowlockError says that it is truncated or no repodata."""
    try:
        document = json.loads(files.read_bytes(file))
    except ValueError as error:
        raise _unreadable(file, f"it is not JSON ({error})") from error
    if not isinstance(document, dict) or not isinstance(document.get("info", {}), dict):
        raise _unreadable(file, "it is no repodata")
    return document


def entries(folder: ChannelFolder) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield subdir, file name and entry of every package of a folder."""
    for file in sorted(folder.path.glob(f"*/{REPODATA}")):
        document = parsed(file)
        for kind in ("packages", "packages.conda"):
            for name, entry in document.get(kind, {}).items():
                yield file.parent.name, name, entry


def _unreadable(file: Path, why: str) -> FlowlockError:
    return FlowlockError(
        f"the channel's metadata {file.parent.name}/{file.name} cannot be used: {why}",
        code="FL621",
        hint="get the file again; nothing was locked with it",
        kept="the lock that was there",
    )
