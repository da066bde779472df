"""Small real conda packages, made in an instant."""

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

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
) -> Path:
    """Write a noarch package, padded to about `size` bytes that do not compress."""
    filler = random.Random(name).randbytes(size) if size else b""
    number = int(build.rsplit("_", 1)[1])
    index = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": number,
        "subdir": "noarch",
        "noarch": "generic",
        "depends": list(depends),
        "timestamp": int(EPOCH.timestamp() * 1000),
    }
    members = [
        Member(path="info/index.json", data=json.dumps(index).encode()),
        Member(path="info/about.json", data=b"{}"),
        Member(path="info/files", data=f"share/{name}\n".encode()),
        Member(path="info/paths.json", data=b'{"paths": [], "paths_version": 1}'),
        Member(path=f"share/{name}", data=content + filler),
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
