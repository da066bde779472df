"""Environments are links to unpacked packages: a file written in place changes for all who link to it.

Pip, uv, Python and `sed -i` write another file and rename it, which is harmless. What writes in place is
found by modification times, which unpacking sets to those in the archive; then digests decide.
"""

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from flowlock import files
from flowlock.errors import FlowlockError, from_os_error

SEEN = ".seen"
SHARED = 2


def mend(packages: Path) -> int:
    """Remove unpacked packages with a file that was changed since this was last asked; return now.

    The time is the file system's, in nanoseconds. Only for who keeps builds out meanwhile: the engine unpacks
    again what it misses. After a kill the files that nobody had looked at yet are looked at here.
    """
    seen = packages.parent / SEEN
    try:
        since = seen.stat().st_mtime_ns if seen.is_file() else 0
        for package in sorted(packages.glob("pkgs/*/")) if since else []:
            if any(_rewritten(package, since, _packed)):
                shutil.rmtree(package)
        packages.mkdir(parents=True, exist_ok=True)
        seen.write_bytes(b"")
        return seen.stat().st_mtime_ns
    except OSError as error:
        raise from_os_error(error, "look through", packages) from error


def refuse_rewritten(environment: Path, since: int) -> None:
    """Refuse an environment that shares a file with others and holds it with other bytes than its package."""
    changed = sorted(_rewritten(environment, since, _installed, links=SHARED))
    if changed:
        raise FlowlockError(
            f"files of the build's environment were changed in place: {', '.join(changed)}",
            code="FL535",
            hint="let the script write a new file and rename it: environments share the files of packages",
        )


def _rewritten(
    folder: Path, since: int, expected: Callable[[Path], Mapping[str, str]], *, links: int = 1
) -> Iterator[str]:
    young = [
        path for path, status in _files(folder) if status.st_mtime_ns >= since and status.st_nlink >= links
    ]
    if not young:
        return
    digests = expected(folder)
    for path in young:
        name = path.relative_to(folder).as_posix()
        if name in digests and files.sha256_of(path) != digests[name]:
            yield name


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    pending = [os.fspath(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield Path(entry.path), status


def _packed(package: Path) -> dict[str, str]:
    """Return the digests that a package states of its files (CEP 34, paths.json)."""
    stated = package / "info" / "paths.json"
    return dict(_digests(_document(stated))) if stated.is_file() else {}


def _installed(environment: Path) -> dict[str, str]:
    """Return the digests that an environment's records state of its files."""
    records = [_document(path) for path in environment.glob("conda-meta/*.json")]
    return {path: digest for one in records for path, digest in _digests(one.get("paths_data") or {})}


def _digests(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for entry in document.get("paths") or ():
        digest = entry.get("sha256_in_prefix") or entry.get("sha256")
        if digest:
            yield str(entry["_path"]), str(digest)


def _document(path: Path) -> dict[str, Any]:
    return dict(json.loads(files.read_bytes(path)))
