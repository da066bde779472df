"""Unpacked packages: environments are links to their files, so each must stay as it was unpacked, or go.

Pip, uv, Python and `sed -i` write another file and rename it, which is harmless. A script that writes, or
sets modes, in place changes a file for all that link to it, and one that adds a file or a folder adds it to
later environments. Times, sizes and modes tell: recorded values are compared with the files, and
what is met for the first time with the digests in its package.
"""

import json
import os
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from flowlock.edges import files, memo
from flowlock.errors import from_os_error

INFO, PATHS = "info/", "info/paths.json"
# Where the record is in its document: named otherwise when other files are recorded, or in another way.
PACKAGES = "packages 2"
# What the engine writes beside each unpacked package.
LOCK = ".lock"
# How a file is: size, modification time in ns, mode. Not the change time: a link sets that.
State = tuple[int, int, int]
MODE = 2


class Unpacked:
    """The packages that the engine unpacked into a cache folder, and a record of their files.

    The record is kept where no build can write; without a place for it, everything is met for the first time.
    """

    def __init__(self, packages: Path, record: Path | None) -> None:
        self._folder, self._record = packages / "pkgs", record
        document = memo.read(record, dict[str, dict[str, dict[str, State]]]) if record else None
        self._known = document.get(PACKAGES, {}) if document else {}
        # How packages were that have been removed since: as they must be when they are unpacked again.
        self._former: dict[str, dict[str, State]] = {}
        self._doubted: set[str] = set()
        self._accepted: set[str] = set()
        self._changed = False

    def mend(self) -> None:
        """Remove each incomplete package; the engine unpacks missing packages again.

        Also what an engine that was killed had begun to unpack. Only while nothing is built.
        """
        present = self._names()
        for name in self._known.keys() - present:
            self._forget(name)
        for name in sorted(present):
            package = self._folder / name
            doubted = name.startswith(".") or package.is_symlink() or name in self._doubted
            if doubted or (package.is_dir() and self.broken([name])):
                files.remove(package)
                self._forget(name)
        self._doubted.clear()
        self._accepted = self._names()

    def broken(self, names: Iterable[str] | None, *, doubt: bool = False) -> list[str]:
        """Return which files of these packages are not what they were; without names, of all that are there.

        `doubt` is for after a failure: what is met for the first time then may have modes that it was given
        since, which no digest tells, and `mend()` removes it.
        """
        changed: list[str] = []
        for name in sorted(self._unpacked() if names is None else names):
            if name in self._known:
                changed += self._changed_files(name)
            else:
                changed += self._met(name, doubt=doubt)
        return changed

    def foreign(self, expected: Collection[str]) -> list[str]:
        """Return what came beside the unpacked packages since `mend()`, and is not one of those expected."""
        # The engine unpacks into a folder whose name begins with a dot, and renames it.
        new = {name for name in self._names() - self._accepted if not name.startswith(".")}
        return sorted(name for name in new if name.removesuffix(LOCK) not in expected)

    def remove(self, names: Iterable[str]) -> None:
        """Remove what is beside the unpacked packages, by name."""
        for name in names:
            files.remove(self._folder / name)

    def _names(self) -> set[str]:
        return {path.name for path in self._folder.iterdir()} if self._folder.is_dir() else set()

    def _unpacked(self) -> set[str]:
        """Return the names of the packages that are wholly unpacked."""
        return {name for name in self._names() if not name.startswith(".") and (self._folder / name).is_dir()}

    def _forget(self, name: str) -> None:
        """Take a removed package out of the record: it may be unpacked from another archive next time."""
        if name in self._known:
            self._former[name] = self._known.pop(name)
            self._changed = True

    def save(self) -> None:
        """Keep the record for the next time."""
        if self._record is not None and self._changed:
            memo.write(self._record, {PACKAGES: self._known})
            self._changed = False

    def _changed_files(self, name: str) -> list[str]:
        """Compare a package with its record; one that was unpacked again from another archive may differ."""
        package, recorded = self._folder / name, self._known[name]
        present = _states(package)
        differing = {
            path for path in recorded.keys() | present.keys() if recorded.get(path) != present.get(path)
        }
        if not differing:
            return []
        stated = _stated(package) or {}
        return [
            f"{name}/{path}"
            for path in sorted(differing)
            if not _is_rewritten(package, path, stated, recorded=recorded, present=present)
        ]

    def _met(self, name: str, *, doubt: bool) -> list[str]:
        """Compare a package with the digests that it states, and record how it is if it is whole.

        One that was removed and is unpacked again has the modes that it had. It has other files if it comes
        from another archive, of whose modes nothing is known.
        """
        package = self._folder / name
        stated = _stated(package)
        if stated is None:
            return [f"{name}/{PATHS}"]
        present = _states(package)
        wrong = _unlike_stated(package, stated, present)
        former = self._former.get(name, {})
        if former.keys() <= present.keys():
            wrong |= {path for path, state in former.items() if present[path][MODE] != state[MODE]}
        if doubt:
            self._doubted.add(name)
        elif not wrong:
            self._known[name] = present
            self._changed = True
        return [f"{name}/{path}" for path in sorted(wrong)]


def _stated(package: Path) -> dict[str, str | None] | None:
    """Return the files of a package with the digests that it states (CEP 34); None if it is damaged.

    Packages of the time before paths.json state none.
    """
    try:
        entries = json.loads((package / PATHS).read_bytes())["paths"]
        return {str(entry["_path"]): entry.get("sha256") for entry in entries}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _unlike_stated(package: Path, stated: Mapping[str, str | None], present: Mapping[str, State]) -> set[str]:
    """Return the files that differ from what a package states, and those that it does not state."""
    wrong = {path for path, digest in stated.items() if not _holds(package / path, present.get(path), digest)}
    # Packages of the time before paths.json state none of their files.
    if stated:
        wrong |= {path for path in present.keys() - stated.keys() if not path.startswith(INFO)}
    return wrong


def _is_rewritten(
    package: Path,
    path: str,
    stated: Mapping[str, str | None],
    *,
    recorded: Mapping[str, State],
    present: Mapping[str, State],
) -> bool:
    """Return whether only the times of a file differ from its record, as after unpacking again."""
    if path not in stated or path not in recorded or path not in present:
        return False
    same_mode = present[path][MODE] == recorded[path][MODE]
    return same_mode and _holds(package / path, present[path], stated[path])


def _states(package: Path) -> dict[str, State]:
    """Return how the files and links of a package are, by their relative paths."""
    states = {}
    for path in files.paths_below(package):
        state = _state(f"{package}/{path}")
        if state is not None:
            states[path] = state
    return states


def _holds(path: Path, state: State | None, digest: str | None) -> bool:
    if state is None:
        return False
    return digest is None or not stat.S_ISREG(state[MODE]) or files.sha256_of(path) == digest


def _state(path: str) -> State | None:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise from_os_error(error, "read", Path(path)) from error
    return status.st_size, status.st_mtime_ns, status.st_mode
