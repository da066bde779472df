"""A package from its files and its record: the `info/` that belongs to them, and the archive.

The archive stays on this machine and is made while the user waits, hence a fast level.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flowlock.conda.archive import write
from flowlock.conda.installable import refuse_unsafe_members
from flowlock.conda.members import Member

LEVEL = 1
# Longer than any real prefix, as conda's own, and of no machine.
PLACEHOLDER = "/opt/flowlock_base_placeholder" + "_placehold" * 20


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file of a package: its path in the prefix and its bytes; for a symlink, those that it leads to."""

    path: str
    data: bytes = b""
    executable: bool = False
    link: str | None = None
    has_prefix: bool = False
    sha256: str = ""

    def digest(self) -> str:
        """Return the sha256 of the bytes, counted once where the maker of the file knows it."""
        return self.sha256 or hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """A finished package: its file name, its bytes and the entry that a channel's repodata has for it."""

    name: str
    data: bytes
    record: Mapping[str, Any]


def build(
    index: Mapping[str, Any],
    files: Iterable[File],
    *,
    about: Mapping[str, Any],
    entry_points: Sequence[str] = (),
    epoch: datetime,
) -> Archive:
    """Return the archive with these files and the `info/` that belongs to them; it is safe to install."""
    import zstandard

    members, paths = [], []
    for file in files:
        members.append(Member(path=file.path, data=file.data, executable=file.executable, link=file.link))
        paths.append(_path_entry(file))
    link = {"noarch": {"type": "python", "entry_points": list(entry_points)}, "package_metadata_version": 1}
    info = {
        "about.json": _json(about),
        "files": "".join(f"{entry['_path']}\n" for entry in paths).encode(),
        "index.json": _json(index),
        "paths.json": _json({"paths": paths, "paths_version": 1}),
    }
    if index.get("noarch") == "python":
        info["link.json"] = _json(link)
    members += [Member(path=f"info/{name}", data=text) for name, text in info.items()]
    stem = f"{index['name']}-{index['version']}-{index['build']}"
    refuse_unsafe_members(members, Path(f"{stem}.conda"))
    data = write(stem, members, epoch=epoch, compress=zstandard.ZstdCompressor(level=LEVEL).compress)
    digests = {
        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }
    return Archive(name=f"{stem}.conda", data=data, record={**index, **digests})


def _path_entry(file: File) -> dict[str, Any]:
    """Return what `paths.json` says of a file; of a symlink, the digest of what it leads to."""
    entry: dict[str, Any] = {
        "_path": file.path,
        "path_type": "hardlink" if file.link is None else "softlink",
        "sha256": file.digest(),
        "size_in_bytes": len(file.data),
    }
    if file.has_prefix:
        entry |= {"file_mode": "text", "prefix_placeholder": PLACEHOLDER}
    return entry


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
