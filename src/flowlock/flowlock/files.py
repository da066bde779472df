"""The one place that writes files: beside the target, fsync, rename (a crash leaves the old or the new)."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flowlock.errors import from_os_error
from flowlock.names import Sha256

# Our temporary names; whoever finds one older than its writer may delete it.
TEMPORARY_PREFIX = ".flowlock-tmp-"


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically, making its folder; a FlowlockError says why it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
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


def read_bytes(path: Path) -> bytes:
    """Read a whole file; a FlowlockError names the path and the reason when that fails."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise from_os_error(error, "read", path) from error


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target` that takes its place when the block ends well.

    The old folder is renamed away first and deleted last, so a crash leaves the old one, the new one, or
    (between two renames) neither, never a mixture. What is left over of the staging is deleted.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=target.parent))
    except OSError as error:
        raise from_os_error(error, "write", target) from error
    staging.chmod(0o755)
    old = staging.with_name(staging.name + ".old")
    try:
        yield staging
        try:
            if target.exists():
                target.rename(old)
            staging.rename(target)
        except OSError as error:
            raise from_os_error(error, "write", target) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
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


def sha256_of(path: Path) -> Sha256:
    """Return a file's sha256, read in blocks."""
    try:
        with path.open("rb") as stream:
            return Sha256(hashlib.file_digest(stream, "sha256").hexdigest())
    except OSError as error:
        raise from_os_error(error, "read", path) from error


def forget_temporaries(*folders: Path) -> None:
    """Remove what writers that were killed left in these folders; only for who keeps other writers out."""
    for folder in folders:
        for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
            path.unlink(missing_ok=True)
