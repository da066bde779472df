"""What is known about files by their contents, believed while their stat data stay the same."""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from flowlock.edges import files, memo
from flowlock.errors import from_os_error
from flowlock.names import Sha256

# Where the values are in a document: named otherwise when their form changes.
FILES = "files 2"
# A file this young may be written once more within the clock's step, so what is known of it is not kept yet.
SETTLED_NS = 100_000_000


class StatCache:
    """JSON values by path, valid for one size, modification time, change time, inode and mode.

    As git's index does; the change time is there because tools set the modification time back. A cache that
    is absent or damaged is empty, and one that cannot be written costs time only where it is read-only.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        document = memo.read(path, dict[str, dict[str, tuple[list[int], Any]]]) if path else None
        self._entries = document.get(FILES, {}) if document else {}
        self._seen: set[str] = set()
        self._changed = False

    def get(self, path: Path | str, status: os.stat_result) -> Any:
        """Return what is known about the file in this state, or None."""
        self._seen.add(str(path))
        entry = self._entries.get(str(path))
        return entry[1] if entry and entry[0] == signature(status) else None

    def put(self, path: Path | str, before: os.stat_result, value: Any) -> None:
        """Keep a value that was computed after `before` was taken, if the file was at rest all the while."""
        self._put(str(path), before, os.lstat(path), value)

    def _put(self, path: str, before: os.stat_result, after: os.stat_result, value: Any) -> None:
        at_rest = signature(before) == signature(after)
        self._seen.add(path)
        self._changed = True
        if at_rest and time.time_ns() - max(before.st_mtime_ns, before.st_ctime_ns) > SETTLED_NS:
            self._entries[path] = (signature(before), value)
        else:
            self._entries.pop(path, None)

    def sha256(self, path: Path | str) -> Sha256:
        """Return the sha256 of a file's contents, of a link those of the file that it leads to.

        A cache used for this holds digests and nothing else.
        """
        try:
            status = os.stat(path)  # noqa: PTH116 - texts: there are thousands
            digest = memo.made_of(self.get(path, status), Sha256)
            if digest is None:
                digest = files.sha256_of(Path(path))
                self._put(str(path), status, Path(path).stat(), digest)
        except OSError as error:
            raise from_os_error(error, "read", path) from error
        return digest

    def save(self, folders: Iterable[Path] = ()) -> None:
        """Write the cache if it changed, without the files of these folders that were not used."""
        if self._path is None or not self._changed:
            return
        prefixes = tuple(str(folder) + os.sep for folder in folders)
        kept = {
            name: entry
            for name, entry in self._entries.items()
            if name in self._seen or not name.startswith(prefixes)
        }
        memo.write(self._path, {FILES: kept})
        self._changed = False


def forget(path: Path | None) -> None:
    """Remove a cache that does not agree with a file, so that the next reader hashes all files."""
    with suppress(OSError):
        if path is not None:
            path.unlink()


def signature(status: os.stat_result) -> list[int]:
    """Return the stat data by which two states of a file differ."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_mode]
