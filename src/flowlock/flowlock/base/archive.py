"""A `.conda` archive from its files: the same files give the same bytes.

The format is CEP 3's: a stored zip of `metadata.json` and two tar archives under zstd, the package's files
and its `info/`. Local use only, hence a fast level; what is published is written elsewhere.
"""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    """Return the archive with these files and the `info/` that belongs to them."""
    stem = f"{index['name']}-{index['version']}-{index['build']}"
    mtime = int(epoch.timestamp())
    paths: list[dict[str, Any]] = []
    package = _tar(_listed(files, paths), mtime)
    link = {"noarch": {"type": "python", "entry_points": list(entry_points)}, "package_metadata_version": 1}
    info = {
        "about.json": _json(about),
        "files": "".join(f"{entry['_path']}\n" for entry in paths).encode(),
        "index.json": _json(index),
        "paths.json": _json({"paths": paths, "paths_version": 1}),
        **({"link.json": _json(link)} if index.get("noarch") == "python" else {}),
    }
    described = _tar((File(path=f"info/{name}", data=data) for name, data in sorted(info.items())), mtime)
    data = _zip(
        {
            "metadata.json": b'{"conda_pkg_format_version": 2}',
            f"pkg-{stem}.tar.zst": package,
            f"info-{stem}.tar.zst": described,
        },
        epoch,
    )
    digests = {
        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }
    return Archive(name=f"{stem}.conda", data=data, record={**index, **digests})


def _listed(files: Iterable[File], paths: list[dict[str, Any]]) -> Iterator[File]:
    """Pass the files on, and note for `paths.json` what was passed."""
    for file in files:
        entry = {
            "_path": file.path,
            "path_type": "hardlink" if file.link is None else "softlink",
            "sha256": file.digest(),
            "size_in_bytes": len(file.data),
        }
        if file.has_prefix:
            entry |= {"file_mode": "text", "prefix_placeholder": PLACEHOLDER}
        paths.append(entry)
        yield file


def _tar(files: Iterable[File], mtime: int) -> bytes:
    import zstandard

    packed = io.BytesIO()
    writer = zstandard.ZstdCompressor(level=LEVEL).stream_writer(packed, closefd=False)
    with writer, tarfile.open(fileobj=writer, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for file in files:
            member = tarfile.TarInfo(file.path)
            member.mtime = mtime
            member.mode = 0o755 if file.executable or file.link is not None else 0o644
            member.size = len(file.data)
            if file.link is not None:
                member.type, member.linkname, member.size = tarfile.SYMTYPE, file.link, 0
            tar.addfile(member, io.BytesIO(file.data))
    return packed.getvalue()


def _zip(members: Mapping[str, bytes], epoch: datetime) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            member = zipfile.ZipInfo(name, date_time=epoch.timetuple()[:6])
            member.external_attr = 0o644 << 16
            member.create_system = 3  # Unix, whatever this machine is
            archive.writestr(member, data)
    return packed.getvalue()


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
