"""The stat data of many files as one digest, by which a command sees that nothing has changed."""

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterable

from flowlock.edges.stat_cache import signature
from flowlock.names import Sha256


class FileStates:
    """Collects files and folders; no contents are read, so thousands of files take some milliseconds.

    As in git's index, two states of a file differ in size, times, inode or mode. A file that is absent has a
    state too. `changed_ns` is when the last of the files changed, by the times that only the system sets.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.changed_ns = 0

    @property
    def digest(self) -> Sha256:
        """The digest of all states that were added, in their order."""
        return Sha256(self._digest.hexdigest())

    def add(self, path: str, *, installed: bool = False) -> None:
        """Add a file; a symbolic link is added as such, and with the file that it leads to.

        Installers make hard links to the files of their caches, and the system changes a file's change time
        with each link that is made or removed, as when another environment is made. Of an `installed` file
        with several links the modification time counts instead.
        """
        status = _status(os.lstat, path)
        self._add(path, status, installed=installed)
        if status is not None and stat.S_ISLNK(status.st_mode):
            self._add(path, _status(os.stat, path), installed=installed)

    def add_folder(self, folder: str, *, without: Collection[str] = (), installed: bool = False) -> list[str]:
        """Add the files of a folder and the names of its folders; return the paths of the latter.

        Paths in `without` are as if they were not there; `installed` is explained at `add`.
        """
        folders = []
        for name, is_folder in _entries(folder):
            path = f"{folder}{os.sep}{name}"
            if path in without:
                continue
            if is_folder:
                folders.append(path)
                self._digest.update(f"{path}{os.sep}\0".encode(errors="surrogateescape"))
            else:
                self.add(path, installed=installed)
        return folders

    def add_tree(self, folder: str, *, without: Collection[str] = ()) -> None:
        """Add every file below a folder, less the paths in `without` and what is below them."""
        for inner in self.add_folder(folder, without=without):
            self.add_tree(inner, without=without)

    def count_changes(self, paths: Iterable[str]) -> None:
        """Let `changed_ns` tell of files or folders that are not part of the digest."""
        for path in paths:
            status = _status(os.lstat, path)
            if status is not None:
                self._count_change(status.st_ctime_ns)

    def _add(self, path: str, status: os.stat_result | None, *, installed: bool) -> None:
        state: list[int] | None = None
        if status is not None and installed and status.st_nlink > 1:
            state = [status.st_size, status.st_mtime_ns, status.st_ino, status.st_mode]
            self._count_change(status.st_mtime_ns)
        elif status is not None:
            state = signature(status)
            self._count_change(status.st_ctime_ns)
        self._digest.update(f"{path}\0{state}\0".encode(errors="surrogateescape"))

    def _count_change(self, changed_ns: int) -> None:
        self.changed_ns = max(self.changed_ns, changed_ns)


def _entries(folder: str) -> list[tuple[str, bool]]:
    """Return the sorted names in a folder, and whether each is a folder; nothing for one that is absent."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _status(ask: Callable[[str], os.stat_result], path: str) -> os.stat_result | None:
    try:
        return ask(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
