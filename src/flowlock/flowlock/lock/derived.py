"""Locks below the state folder: they are derived from the sources, and damaged ones are written again."""

from pathlib import Path

from flowlock.edges import files
from flowlock.errors import FlowlockError, from_os_error
from flowlock.lock.lockfile import document
from flowlock.report.reporter import Progress


def forget_damaged(path: Path, shown: str, progress: Progress) -> None:
    """Remove a lock that cannot be read; the next command that needs it writes it again."""
    try:
        if path.is_file():
            document.read(files.read_text(path, shown), shown)
    except FlowlockError as error:
        progress.note(f"{shown} is damaged ({error}) and will be written again")
        _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise from_os_error(error, "delete", path) from error
