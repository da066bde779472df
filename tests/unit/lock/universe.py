"""Small channels for lock tests: packages in a line, written as a folder of repodata."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from flowlock.conda.artifact import Artifact
from flowlock.errors import FlowlockError
from flowlock.lock import run
from flowlock.lock.lockfile import document
from flowlock.lock.lockfile.document import Lock
from flowlock.lock.manifest.model import Manifest, channel_url, simple
from flowlock.lock.result import LockOptions, LockResult, LockTarget
from flowlock.lock.satisfy import CurrentBuild
from flowlock.lock.solver.sources import ChannelFolder
from flowlock.report.reporter import Silent

RELEASE = "https://prefix.example/ours"
FORGE = "conda-forge"
EPOCH = 1_793_491_200_000


def package(
    name: str,
    version: str = "1.0",
    *depends: str,
    build: str = "h0_0",
    subdir: str = "noarch",
    **fields: Any,
) -> dict[str, Any]:
    """Return a repodata entry; its sha256 is that of its identity and dependencies."""
    identity = json.dumps([name, version, build, subdir, depends])
    return {
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "depends": list(depends),
        "subdir": subdir,
        "sha256": hashlib.sha256(identity.encode()).hexdigest(),
        "size": 1,
        "timestamp": EPOCH,
        **({"noarch": "generic"} if subdir == "noarch" else {}),
        **fields,
    }


def current(version: str, build: str, why: str = "") -> CurrentBuild:
    """Return what the source of a package makes; it is known by its key."""
    artifact = Artifact(name="", version=version, build=build, number=0, subdir="noarch")
    return CurrentBuild(artifact=artifact, why=why)


def channel(
    folder: Path, url: str, packages: Sequence[Mapping[str, Any]], *, serves: bool = False
) -> ChannelFolder:
    """Write packages as a channel's folder."""
    for subdir in {"noarch", *(str(entry["subdir"]) for entry in packages)}:
        entries = {
            f"{e['name']}-{e['version']}-{e['build']}.conda": e for e in packages if e["subdir"] == subdir
        }
        file = folder / subdir / "repodata.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        document = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": entries}
        file.write_text(json.dumps(document), encoding="utf-8")
    return ChannelFolder(url=channel_url(url), path=folder, serves=serves)


def wanting(*specs: str, platforms: Sequence[str] = ("linux-64",), label: str = "demo") -> Manifest:
    """Return a manifest with one environment that asks for specs of our channel and of conda-forge."""
    return simple(label, channels=[RELEASE, FORGE], platforms=platforms, specs=specs)


def lock(
    manifest: Manifest,
    path: Path,
    folders: Sequence[ChannelFolder] = (),
    *,
    own: Mapping[str, CurrentBuild] | None = None,
    **options: Any,
) -> LockResult:
    """Lock one manifest without the network."""
    target = LockTarget(manifest=manifest, path=path, shown=path.name)
    asked = LockOptions(**{"offline": True, **options})
    return run.lock([target], folders=folders, own=own or {}, options=asked, progress=Silent())


def ours(tmp_path: Path, *packages: dict[str, Any]) -> ChannelFolder:
    """Return our local channel, which holds exactly these builds."""
    folder = tmp_path / f"ours {len(list(tmp_path.iterdir()))}"
    return channel(folder, RELEASE, packages, serves=True)


def read(path: Path) -> Lock:
    return document.read(path.read_text(), path.name)


def code_of(call: Callable[[], object]) -> tuple[str, FlowlockError]:
    with pytest.raises(FlowlockError) as caught:
        call()
    return caught.value.problems[0].code, caught.value
