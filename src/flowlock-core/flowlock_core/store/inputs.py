"""The contents of input files by digest; what has not changed since is not read again."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from time import time_ns
from typing import Any

from flowlock_core.store.digest import digest_of_parts
from flowlock_core.store.errors import DamagedError, NotKeptError
from flowlock_core.store.folder import StoreFolder

_FILES = "files"
_BLOCK = 1 << 20
# A file that changed so shortly before it was read may change again without another time (git's rule).
_RACY_NS = 2_000_000_000


def contents_digest(path: Path, folder: StoreFolder | None) -> str:
    """Return the digest of a file, or of all files in a folder; the folder of a store remembers it."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        parts = [f"{file.relative_to(path).as_posix()} {contents_digest(file, folder)}" for file in files]
        return digest_of_parts("folder", parts)
    try:
        status = path.stat()
    except OSError:
        return "absent"
    key = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
    state = [status.st_size, status.st_mtime_ns, status.st_ino]
    recorded = _known(folder, key)
    if recorded is not None and recorded[0] == state:
        return str(recorded[1])
    began = time_ns()
    contents = file_digest(path)
    if folder is not None and status.st_mtime_ns + _RACY_NS < began:
        # A store that cannot be written is reported where results are kept.
        with suppress(NotKeptError):
            folder.put_document(_FILES, key, [state, contents])
    return contents


def file_digest(path: Path) -> str:
    """Return the sha256 of a file."""
    hasher = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def _known(folder: StoreFolder | None, key: str) -> list[Any] | None:
    if folder is None:
        return None
    try:
        recorded = folder.document(_FILES, key)
    except DamagedError:
        return None
    return recorded if isinstance(recorded, list) and len(recorded) == len(("state", "digest")) else None
