"""What the source of a package is: the files git would list, with their contents as git stores them."""

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from flowlock import files, git
from flowlock.errors import FlowlockError, Problem, from_os_error
from flowlock.names import Sha256

CACHE_SCHEMA = 1
# A file this young may be written once more within the clock's step, so its digest is not kept yet.
SETTLED_NS = 100_000_000


class Kind(StrEnum):
    """How git stores a file."""

    FILE = "file"
    EXECUTABLE = "executable"
    LINK = "link"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """One file: the digest of its contents as git stores them, and whether those differ on this disk."""

    sha256: Sha256
    kind: Kind
    crlf: bool = False


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The source files of one folder, by relative POSIX path in sorted order."""

    folder: Path
    files: Mapping[str, SourceFile]

    @cached_property
    def digest(self) -> Sha256:
        """The sha256 over every path, kind and content; neither folder nor times are part of it."""
        total = hashlib.sha256()
        for path, file in self.files.items():
            total.update(f"{path}\0{file.kind}\0{file.sha256}\n".encode())
        return Sha256(total.hexdigest())


def snapshot(folder: Path, excludes: Sequence[str] = (), *, cache_file: Path | None = None) -> Sources:
    """Return the sources of one folder; see `snapshots`."""
    return snapshots(folder, {folder: excludes}, cache_file=cache_file)[folder]


def snapshots(
    root: Path, folders: Mapping[Path, Sequence[str]], *, cache_file: Path | None = None
) -> dict[Path, Sources]:
    """Return the sources of folders at or below `root`, each less its excludes, asking git once for all.

    Excludes are globs over the relative POSIX path, where `*` also crosses `/`; one that matches a folder
    excludes everything in it. `cache_file` keeps digests by path, size, times and inode, as git's index does.
    Links that leave their folder, and names that are not UTF-8, are refused, all of them at once.
    """
    listed = [root / name for name in git.source_files(root)]
    chosen = {folder: _chosen(folder, listed, excludes) for folder, excludes in folders.items()}
    problems = [problem for folder, names in chosen.items() for problem in _refused(folder, names)]
    if problems:
        raise FlowlockError("the source cannot be built as it is", problems=problems)
    cache = _Cache.load(cache_file)
    paths = {folder / name for folder, names in chosen.items() for name in names}
    digests = {path: cache.digests(path) for path in sorted(paths)}
    cache.save(folders)
    stored_lf = _stored_with_lf(root, [path for path, found in digests.items() if found.lf is not None])
    return {
        folder: Sources(
            folder=folder,
            files={name: digests[folder / name].as_stored(lf=folder / name in stored_lf) for name in names},
        )
        for folder, names in chosen.items()
    }


def stage(sources: Sources, target: Path) -> None:
    """Copy exactly the sources into an empty folder, as git stores them.

    A file that no longer has the contents that were hashed is an error: what is built is what was hashed.
    """
    for name, file in sources.files.items():
        origin, copy = sources.folder / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            data = _content(origin, file.kind)
        except OSError as error:
            raise _changed(name, sources.folder) from error
        data = data.replace(b"\r\n", b"\n") if file.crlf else data
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise _changed(name, sources.folder)
        if file.kind is Kind.LINK:
            copy.symlink_to(os.fsdecode(data))
            continue
        copy.write_bytes(data)
        copy.chmod(0o755 if file.kind is Kind.EXECUTABLE else 0o644)


def _changed(name: str, folder: Path) -> FlowlockError:
    return FlowlockError(
        f"{folder.name}/{name} changed while it was being built",
        code="FL501",
        hint="run the same command again when nothing writes to the source",
    )


def _chosen(folder: Path, listed: Iterable[Path], excludes: Sequence[str]) -> list[str]:
    """Return the listed paths below a folder that no exclude matches, relative to it."""
    inside = str(folder) + os.sep
    names = (Path(path[len(inside) :]).as_posix() for path in map(str, listed) if path.startswith(inside))
    return sorted(name for name in names if not any(_matches(name, pattern) for pattern in excludes))


def _matches(name: str, pattern: str) -> bool:
    pattern = pattern.rstrip("/")
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}/*")


def _refused(folder: Path, names: Iterable[str]) -> Iterator[Problem]:
    for name in names:
        path = folder / name
        if "\N{REPLACEMENT CHARACTER}" in name:
            yield Problem(code="FL502", message=f"{folder.name}/{name}: the file's name is not UTF-8")
        elif path.is_symlink():
            target = os.readlink(path)  # noqa: PTH115 - the text as stored, not a normalised path
            end = os.path.realpath(path)
            inside = end.startswith(os.path.realpath(folder) + os.sep)
            if os.path.isabs(target) or not inside:  # noqa: PTH117 - a text, see above
                yield Problem(
                    code="FL503",
                    message=f"{folder.name}/{name} is a link that leaves the package ({target})",
                    hint="put the file itself there: a build sees nothing outside of its package",
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Digests:
    """A file's digest as it is, and with LF line ends where it has CRLF ones."""

    kind: Kind
    raw: Sha256
    lf: Sha256 | None

    def as_stored(self, *, lf: bool) -> SourceFile:
        if lf and self.lf is not None:
            return SourceFile(sha256=self.lf, kind=self.kind, crlf=True)
        return SourceFile(sha256=self.raw, kind=self.kind)


class _Cache:
    """File digests by path, believed as long as size, times and inode are the same.

    The change time is compared besides the modification time, which tools set back.
    """

    def __init__(self, path: Path | None, entries: dict[str, list[Any]]) -> None:
        self._path, self._entries = path, entries
        self._seen: set[str] = set()
        self._changed = False

    @classmethod
    def load(cls, path: Path | None) -> "_Cache":
        """Read the cache; one that is absent or damaged is empty."""
        try:
            document = json.loads(path.read_bytes()) if path else {}
            fits = document.get("schema") == CACHE_SCHEMA
            return cls(path, dict(document["files"]) if fits else {})
        except (OSError, ValueError, AttributeError, KeyError, TypeError):
            return cls(path, {})

    def digests(self, path: Path) -> _Digests:
        """Return a file's digests, from the cache or from its contents."""
        try:
            status = path.lstat()
            entry = self._entries.get(str(path))
            self._seen.add(str(path))
            if entry and entry[:-1] == _signature(status):
                return _from_json(entry[-1])
            return self._read(path)
        except (TypeError, ValueError, LookupError):
            return self._read(path)
        except OSError as error:
            raise from_os_error(error, "read", path) from error

    def _read(self, path: Path) -> _Digests:
        """Hash a file; the digest is kept if the file was at rest before and did not change meanwhile."""
        before = path.lstat()
        kind = _kind(before)
        data = _content(path, kind)
        lf = data.replace(b"\r\n", b"\n") if kind is not Kind.LINK and b"\r\n" in data else None
        found = _Digests(kind=kind, raw=_sha256(data), lf=_sha256(lf) if lf is not None else None)
        at_rest = _signature(before) == _signature(path.lstat())
        if at_rest and time.time_ns() - max(before.st_mtime_ns, before.st_ctime_ns) > SETTLED_NS:
            self._entries[str(path)] = [*_signature(before), [found.kind, found.raw, found.lf]]
        else:
            self._entries.pop(str(path), None)
        self._changed = True
        return found

    def save(self, folders: Iterable[Path]) -> None:
        """Write the cache if it changed, without the files that are gone from these folders."""
        if self._path is None or not self._changed:
            return
        prefixes = tuple(str(folder) + os.sep for folder in folders)
        kept = {
            name: entry
            for name, entry in self._entries.items()
            if name in self._seen or not name.startswith(prefixes)
        }
        document = {"schema": CACHE_SCHEMA, "files": kept}
        files.write_text(self._path, json.dumps(document, separators=(",", ":")))


def _signature(status: os.stat_result) -> list[Any]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_mode]


def _from_json(value: Any) -> _Digests:
    kind, raw, lf = value
    return _Digests(kind=Kind(kind), raw=Sha256(raw), lf=None if lf is None else Sha256(lf))


def _kind(status: os.stat_result) -> Kind:
    if stat.S_ISLNK(status.st_mode):
        return Kind.LINK
    return Kind.EXECUTABLE if status.st_mode & stat.S_IXUSR else Kind.FILE


def _content(path: Path, kind: Kind) -> bytes:
    if kind is Kind.LINK:
        return os.fsencode(os.readlink(path))  # noqa: PTH115 - the text as stored, not a normalised path
    return path.read_bytes()


def _sha256(data: bytes) -> Sha256:
    return Sha256(hashlib.sha256(data).hexdigest())


def _stored_with_lf(root: Path, paths: Sequence[Path]) -> set[Path]:
    """Return those of the paths whose CRLF line ends git turns into LF when it stores them."""
    if not paths:
        return set()
    stored = {root / name for name in git.stored_with_lf(root)}
    return stored & set(paths)
