"""Archives made by hand, for tests of what reads them."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

STEM = "x-1-0"


def compressed(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def tar(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        for entry, data in entries:
            opened.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def file(
    path: str, data: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(path)
    entry.size, entry.type, entry.linkname = len(data), kind, link
    return entry, data


def paths_json(*paths: str, size: Any = 10, **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    entries = [{"_path": path, "size_in_bytes": size, **more} for path in paths]
    return file("info/paths.json", json.dumps({"paths": entries}).encode())


def conda(
    folder: Path,
    pkg: bytes,
    info: bytes | None = None,
    *,
    method: int = zipfile.ZIP_STORED,
    names: tuple[str, str] = (f"info-{STEM}.tar.zst", f"pkg-{STEM}.tar.zst"),
    compress: Callable[[bytes], bytes] = compressed,
) -> Path:
    path = folder / f"{STEM}.conda"
    info = tar(file("info/index.json", b"{}"), paths_json("a")) if info is None else info
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, data in zip(names, (info, pkg), strict=True):
            opened.writestr(name, compress(data))
    return path
