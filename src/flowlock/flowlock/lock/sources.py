"""Where a solve's metadata comes from, as data, and the files of it checked before an engine reads them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowlock import files
from flowlock.errors import FlowlockError
from flowlock.lock.manifest import channel_url

REPODATA = "repodata.json"
NOARCH = "noarch"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelFolder:
    """A folder of `<subdir>/repodata.json` that stands for a channel: records bear the channel's URL."""

    url: str
    path: Path

    def repodata(self, subdir: str) -> Path | None:
        """Return the subdir's repodata file, if the folder has one."""
        file = self.path / subdir / REPODATA
        return file if file.is_file() else None


def snapshot(folder: Path, default: str) -> ChannelFolder:
    """Return a folder of repodata as the channel that its `info.base_url` names, else as the default one."""
    for file in sorted(folder.glob(f"*/{REPODATA}")):
        base = parsed(file).get("info", {}).get("base_url")
        if isinstance(base, str) and base:
            url = base.rstrip("/").removesuffix("/" + file.parent.name)
            return ChannelFolder(url=channel_url(url), path=folder)
        return ChannelFolder(url=channel_url(default), path=folder)
    raise FlowlockError(
        f"{folder} holds no <platform>/{REPODATA}",
        code="FL620",
        hint="--repodata takes a folder with noarch/repodata.json and one such file a platform",
    )


def parsed(file: Path) -> dict[str, Any]:
    """Return a repodata file's document; a FlowlockError says that it is truncated or no repodata."""
    try:
        document = json.loads(files.read_bytes(file))
    except ValueError as error:
        raise _unreadable(file, f"it is not JSON ({error})") from error
    if not isinstance(document, dict) or not isinstance(document.get("info", {}), dict):
        raise _unreadable(file, "it is no repodata")
    return document


def packages(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return file name → entry of a repodata document, both archive kinds."""
    return {**document.get("packages", {}), **document.get("packages.conda", {})}


def _unreadable(file: Path, why: str) -> FlowlockError:
    return FlowlockError(
        f"the channel's metadata {file.parent.name}/{file.name} cannot be used: {why}",
        code="FL621",
        hint="get the file again; nothing was locked with it",
        kept="the lock that was there",
    )
