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
        files = sorted(one for one in path.rglob("*") if one.is_file())
        parts = [f"{one.relative_to(path).as_posix()} {contents_digest(one, folder)}" for one in files]
        return digest_of_parts("folder", parts)
    try:
        found = path.stat()
    except OSError:
        return "absent"
    key = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
    state = [found.st_size, found.st_mtime_ns, found.st_ino]
    known = _known(folder, key)
    if known is not None and known[0] == state:
        return str(known[1])
    began = time_ns()
    contents = file_digest(path)
    if folder is not None and found.st_mtime_ns + _RACY_NS < began:
        # A store that cannot be written is told of where results are kept.
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
        known = folder.document(_FILES, key)
    except DamagedError:
        return None
    return known if isinstance(known, list) and len(known) == len(("state", "digest")) else None
