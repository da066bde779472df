"""The one place that writes files: beside the target, fsync, rename (a crash leaves the old or the new)."""

import errno
import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from flowlock.errors import FlowlockError, Location, from_os_error
from flowlock.names import Sha256

# Our temporary names; a process may delete one that is older than its writer.
TEMPORARY_PREFIX = ".flowlock-tmp-"
# How often deleting a folder is tried while another process adds files, and the seconds in between.
ATTEMPTS, PAUSE = 20, 0.05


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically, making its folder; a FlowlockError explains why it cannot be."""
    with replacing(path) as stream:
        stream.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a stream beside a file, which it becomes when the block ends well; its folder is made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w+b") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise from_os_error(error, "write", path) from error


def write_text(path: Path, text: str) -> None:
    """Write a whole text file atomically, in UTF-8 with the line ends that it has."""
    write_bytes(path, text.encode())


def write_together(texts: Mapping[Path, str]) -> None:
    """Write several text files; if one cannot be written, all are as they were before."""
    before = {path: read_bytes(path) if path.is_file() else None for path in texts}
    try:
        for path, text in texts.items():
            write_text(path, text)
    except BaseException:
        for path, data in before.items():
            if data is not None:
                write_bytes(path, data)
            elif path.is_file():
                path.unlink()
                _remove_empty(path.parent)
        raise


def _remove_empty(folder: Path) -> None:
    """Delete a folder and those above it as long as they are empty."""
    try:
        while True:
            folder.rmdir()
            folder = folder.parent
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def read_bytes(path: Path) -> bytes:
    """Read a whole file; a FlowlockError names the path and the reason when that fails."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise from_os_error(error, "read", path) from error


def read_text(path: Path, file: str) -> str:
    """Read a text that people write, in UTF-8 with the line ends that it has.

    A FlowlockError calls it `file`, and has the line and column of the first byte that is not UTF-8.
    """
    data = read_bytes(path)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        where = Location(file=file, line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))
        raise FlowlockError(
            f"the file is not UTF-8: byte 0x{data[error.start]:02x}",
            code="FL014",
            location=where,
            hint="save the file as UTF-8",
        ) from error


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target` that takes its place when the block ends well.

    The old folder is renamed away first and deleted last; if the new one cannot take its place, it comes
    back. A kill between the two renames leaves it as `<target>.old`, which the next call puts back. What is
    left over of the staging is deleted.
    """
    old = target.with_name(f"{TEMPORARY_PREFIX}{target.name}.old")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if old.exists() and not target.exists():
            old.rename(target)
        staging = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY_PREFIX}{target.name}-", dir=target.parent))
    except OSError as error:
        raise from_os_error(error, "write", target) from error
    staging.chmod(0o755)
    try:
        yield staging
        try:
            _replace_folder(target, staging, old)
        except OSError as error:
            raise from_os_error(error, "write", target) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _replace_folder(target: Path, staging: Path, old: Path) -> None:
    if old.exists():
        shutil.rmtree(old)
    if target.exists():
        target.rename(old)
    try:
        staging.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def sync_folder(folder: Path, files: Mapping[str, str | bytes]) -> list[str]:
    """Make the folder hold these files (relative POSIX path → content) and return the paths that changed.

    Files that are equal are not touched. Files that are not named are left alone.
    """
    changed = []
    for relative, content in sorted(files.items()):
        path = folder / relative
        data = content.encode() if isinstance(content, str) else content
        if not path.is_file() or path.read_bytes() != data:
            write_bytes(path, data)
            changed.append(relative)
    return changed


def link(source: Path | str, target: Path | str) -> None:
    """Give a file a second name, or copy it where the file system has no hard links.

    Of a symbolic link it is the file that it leads to.
    """
    # Texts stay texts: packages have thousands of files.
    is_link = stat.S_ISLNK(os.lstat(source).st_mode)
    original = os.path.realpath(source) if is_link else source
    try:
        os.link(original, target)
    except OSError:
        shutil.copy2(original, target)


def sha256_of(path: Path) -> Sha256:
    """Return a file's sha256, read in blocks."""
    try:
        with path.open("rb") as stream:
            return Sha256(hashlib.file_digest(stream, "sha256").hexdigest())
    except OSError as error:
        raise from_os_error(error, "read", path) from error


def remove(path: Path) -> None:
    """Delete a file, a link or a whole folder, if it is there; a FlowlockError explains why it cannot be.

    A folder gets another name first, so that nobody who is killed leaves half of it under its own; the next
    call deletes that. Folders in it may be read-only.
    """
    gone = path.with_name(f"{TEMPORARY_PREFIX}{path.name}.gone")
    try:
        _delete_folder(gone)
        if path.is_dir() and not path.is_symlink():
            path.rename(gone)
            _delete_folder(gone)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise from_os_error(error, "delete", path) from error


def paths_below(folder: Path) -> Iterator[str]:
    """Yield every file and link below a folder, by its relative path with slashes.

    As texts: packages have thousands of them.
    """
    root = os.fspath(folder)
    for parent, folders, names in os.walk(root):
        below = parent[len(root) + 1 :].replace(os.sep, "/")
        start = f"{below}/" if below else ""
        links = [name for name in folders if os.path.islink(f"{parent}/{name}")]  # noqa: PTH114 - texts, as above
        for name in (*names, *links):
            yield f"{start}{name}"


def empty(folder: Path) -> None:
    """Delete everything in a folder."""
    for path in list(folder.iterdir()):
        remove(path)


def _delete_folder(folder: Path) -> None:
    """Delete a folder, if it is there; a process that was killed just now may still add a file to it."""
    for last in (*[False] * (ATTEMPTS - 1), True):
        if not folder.is_dir():
            return
        try:
            _make_writable(folder)
            shutil.rmtree(folder)
        except OSError as error:
            if last or error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
                raise
            time.sleep(PAUSE)


def _make_writable(folder: Path) -> None:
    folder.chmod(0o700)
    with os.scandir(folder) as entries:
        folders = [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False)]
    for inner in folders:
        _make_writable(inner)


def forget_staged(target: Path) -> None:
    """Remove the staging that killed writers of a folder left; the caller must hold its lock."""
    ours = re.compile(re.escape(f"{TEMPORARY_PREFIX}{target.name}-") + r"[a-z0-9_]{8}")
    for path in target.parent.glob(f"{TEMPORARY_PREFIX}*"):
        if ours.fullmatch(path.name):
            _forget(path)


def forget_temporaries(*folders: Path) -> None:
    """Remove what writers that were killed left in these folders; the caller must hold their lock."""
    for folder in folders:
        for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
            _forget(path)


def _forget(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            _delete_folder(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise from_os_error(error, "delete", path) from error
