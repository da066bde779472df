"""What the source of a package is: the files git would list, with their contents as git stores them."""

import hashlib
import os
import stat
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from flowlock.edges import git, memo, stat_cache
from flowlock.edges.stat_cache import StatCache
from flowlock.errors import FlowlockError, Problem, from_os_error
from flowlock.names import Sha256


class GitFileKind(StrEnum):
    """How git stores a file."""

    FILE = "file"
    EXECUTABLE = "executable"
    LINK = "link"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """One file: the digest of its contents as git stores them, and whether those differ on this disk."""

    sha256: Sha256
    kind: GitFileKind
    crlf: bool = False


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The source files of one folder, by relative POSIX path in sorted order.

    `cache_file` is where their digests are kept, if they are.
    """

    folder: Path
    files: Mapping[str, SourceFile]
    cache_file: Path | None = None

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
    Links that leave their folder, names that are not UTF-8, and separate repositories, whose files git
    does not list, are refused, all of them at once.
    """
    listed = git.listed(root)
    chosen: dict[Path, list[str]] = {}
    problems: list[Problem] = []
    missing: set[str] = set()
    for folder, excludes in folders.items():
        inside = "" if folder == root else f"{folder.relative_to(root).as_posix()}/"
        chosen[folder] = _chosen(inside, listed.files, excludes)
        missing.update(_missing(inside, listed.repositories, excludes))
        problems += _refused(folder, chosen[folder])
    problems += [_unlisted(name) for name in sorted(missing)]
    if problems:
        raise FlowlockError("the source cannot be built", problems=problems)
    files = _source_files(root, chosen, StatCache(cache_file))
    sources = {}
    for folder, names in chosen.items():
        own = {name: files[folder / name] for name in names}
        sources[folder] = Sources(folder=folder, files=own, cache_file=cache_file)
    return sources


def _source_files(
    root: Path, chosen: Mapping[Path, Sequence[str]], cache: StatCache
) -> dict[Path, SourceFile]:
    """Return the chosen files of folders as git stores them, with the cache brought up to date."""
    paths = {folder / name for folder, names in chosen.items() for name in names}
    digests = {path: _digests(path, cache) for path in paths}
    cache.save(chosen)
    with_crlf = [path for path, digest in digests.items() if digest.lf is not None]
    stored_lf = _stored_with_lf(root, with_crlf)
    return {path: digest.as_stored(lf=path in stored_lf) for path, digest in digests.items()}


def stage(sources: Sources, target: Path) -> None:
    """Copy exactly the sources into an empty folder, as git stores them.

    A file that no longer has the contents that were hashed is an error: what is built is what was hashed.
    The kept digests go then, since it may be one of them that is wrong, and not the file.
    """
    for name, file in sources.files.items():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            data = _as_hashed(sources.folder, name, file)
        except FlowlockError:
            stat_cache.forget(sources.cache_file)
            raise
        if file.kind is GitFileKind.LINK:
            copy.symlink_to(os.fsdecode(data))
            continue
        copy.write_bytes(data)
        copy.chmod(0o755 if file.kind is GitFileKind.EXECUTABLE else 0o644)


def _as_hashed(folder: Path, name: str, file: SourceFile) -> bytes:
    """Return a file's contents as git stores them, which must be those that were hashed."""
    try:
        data = _content(folder / name, file.kind)
    except OSError as error:
        raise _changed(name, folder) from error
    data = _with_lf(data) if file.crlf else data
    if _sha256(data) != file.sha256:
        raise _changed(name, folder)
    return data


def _changed(name: str, folder: Path) -> FlowlockError:
    return FlowlockError(
        f"{folder.name}/{name} changed during the build",
        code="FL501",
        hint="run the same command again when no other process writes to the source",
    )


def _chosen(inside: str, listed: Sequence[str], excludes: Sequence[str]) -> list[str]:
    """Return the listed paths that begin with `inside` and that no exclude matches, without that beginning.

    `listed` is sorted, so that those of one folder are together.
    """
    start, end = (bisect_left(listed, text) for text in (inside, inside + "\U0010ffff"))
    names = (path[len(inside) :] for path in listed[start:end])
    return sorted(name for name in names if not _is_excluded(name, excludes))


def _is_excluded(name: str, excludes: Sequence[str]) -> bool:
    for pattern in excludes:
        path = pattern.rstrip("/")
        if fnmatchcase(name, path) or fnmatchcase(name, f"{path}/*"):
            return True
    return False


def _refused(folder: Path, names: Iterable[str]) -> Iterator[Problem]:
    for name in names:
        path = folder / name
        if git.UNREADABLE in name:
            yield Problem(code="FL502", message=f"{folder.name}/{name}: the file's name is not UTF-8")
        elif path.is_symlink():
            target = os.readlink(path)  # noqa: PTH115 - the text as stored, not a normalised path
            end = os.path.realpath(path)
            inside = end.startswith(os.path.realpath(folder) + os.sep)
            if os.path.isabs(target) or not inside:  # noqa: PTH117 - a text, see above
                yield Problem(
                    code="FL503",
                    message=f"{folder.name}/{name} is a link that points outside the package ({target})",
                    hint="replace the link with the file itself: a build "
                    "can only see files inside its package",
                )


def _missing(inside: str, repositories: Iterable[str], excludes: Sequence[str]) -> Iterator[str]:
    """Yield the repositories inside a folder, less the excludes, and those that it is inside."""
    for repository in repositories:
        folder = f"{repository}/"
        excluded = _is_excluded(folder[len(inside) :], excludes)
        if inside.startswith(folder) or (folder.startswith(inside) and not excluded):
            yield repository


def _unlisted(repository: str) -> Problem:
    return Problem(
        code="FL504",
        message=f"{repository} is a nested git repository, so its files would be missing from the build",
        hint="remove its `.git` (for a submodule, run `git rm --cached` first), so that git lists the files, "
        "or exclude it with `excludes` in flowlock.toml",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Digests:
    """The digest of a file's bytes, and with LF line ends where it has CRLF ones."""

    kind: GitFileKind
    raw: Sha256
    lf: Sha256 | None

    def as_stored(self, *, lf: bool) -> SourceFile:
        if lf and self.lf is not None:
            return SourceFile(sha256=self.lf, kind=self.kind, crlf=True)
        return SourceFile(sha256=self.raw, kind=self.kind)


def _digests(path: Path, cache: StatCache) -> _Digests:
    """Return a file's digests, from the cache or from its contents."""
    try:
        status = path.lstat()
        cached = memo.made_of(cache.get(path, status), _cached_digests)
        if cached is not None:
            return cached
        kind = _git_kind(status)
        data = _content(path, kind)
        lf = _sha256(_with_lf(data)) if kind is not GitFileKind.LINK and b"\r\n" in data else None
        digests = _Digests(kind=kind, raw=_sha256(data), lf=lf)
        cache.put(path, status, [digests.kind, digests.raw, digests.lf])
    except OSError as error:
        raise from_os_error(error, "read", path) from error
    return digests


def _cached_digests(value: Any) -> _Digests:
    kind, raw, lf = value
    return _Digests(kind=GitFileKind(kind), raw=Sha256(raw), lf=None if lf is None else Sha256(lf))


def _git_kind(status: os.stat_result) -> GitFileKind:
    if stat.S_ISLNK(status.st_mode):
        return GitFileKind.LINK
    return GitFileKind.EXECUTABLE if status.st_mode & stat.S_IXUSR else GitFileKind.FILE


def _content(path: Path, kind: GitFileKind) -> bytes:
    if kind is GitFileKind.LINK:
        return os.fsencode(os.readlink(path))  # noqa: PTH115 - the text as stored, not a normalised path
    return path.read_bytes()


def _with_lf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


def _sha256(data: bytes) -> Sha256:
    return Sha256(hashlib.sha256(data).hexdigest())


def _stored_with_lf(root: Path, paths: Sequence[Path]) -> set[Path]:
    """Return those of the paths whose CRLF line ends git turns into LF when it stores them."""
    if not paths:
        return set()
    stored = {root / name for name in git.stored_with_lf(root)}
    return stored & set(paths)
