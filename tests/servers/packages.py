"""Small real conda packages, made in an instant."""

import hashlib
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from flowlock.conda import archive
from flowlock.conda.members import Member
from flowlock.release.publish_plan import PinnedBuild
from flowlock.release.targets import artifact

EPOCH = datetime(2026, 11, 1, tzinfo=UTC)


def package(
    folder: Path,
    name: str,
    version: str = "1.0.0",
    *,
    build: str = "pyhaaaaaaaa_0",
    depends: Sequence[str] = (),
    content: bytes = b"",
    size: int = 0,
    subdir: str = "noarch",
    more: Mapping[str, Any] | None = None,
) -> Path:
    """Write a package with one file, padded to about `size` bytes that do not compress.

    `more` goes into its index.json.
    """
    filler = random.Random(name).randbytes(size) if size else b""
    number = int(build.rsplit("_", 1)[1])
    index = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": number,
        "subdir": subdir,
        "depends": list(depends),
        "timestamp": int(EPOCH.timestamp() * 1000),
        **(more or {}),
    }
    if subdir == "noarch":
        index["noarch"] = "generic"
    data = content + filler
    file = {
        "_path": f"share/{name}",
        "path_type": "hardlink",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_in_bytes": len(data),
    }
    members = [
        Member(path="info/index.json", data=json.dumps(index).encode()),
        Member(path="info/about.json", data=b"{}"),
        Member(path="info/files", data=f"share/{name}\n".encode()),
        Member(path="info/paths.json", data=json.dumps({"paths": [file], "paths_version": 1}).encode()),
        Member(path=f"share/{name}", data=data),
    ]
    stem = f"{name}-{version}-{build}"
    path = folder / f"{stem}.conda"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(archive.write(stem, members, epoch=EPOCH))
    return path


def pinned(path: Path, *, workflow: bool = False) -> PinnedBuild:
    """Return the pin that a lock would have for a package."""
    item = artifact.read(path)
    assert item.artifact is not None
    return PinnedBuild(
        artifact=item.artifact,
        workflow=workflow,
        where="pixi.lock",
    )


def index_in(data: bytes) -> dict[str, Any]:
    """Return the index.json of a package, not through our own reader."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        name = next(name for name in archive.namelist() if name.startswith("info-"))
        tar = zstandard.ZstdDecompressor().stream_reader(archive.read(name)).read()
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        member = opened.extractfile("info/index.json")
        assert member is not None
        return dict(json.load(member))
