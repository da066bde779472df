"""Temporary files of a command, below the state folder: the next command removes what a killed one left."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowlock.edges import file_locks as locks
from flowlock.errors import from_os_error

_LOCK_SUFFIX = ".lock"
_VARIABLE = "TMPDIR"


@contextmanager
def temporaries_below(folder: Path) -> Iterator[None]:
    """Let this process, its engines and its child processes make their temporary files below `folder`.

    They read the folder from TMPDIR and from `tempfile`, so no caller needs to pass it on. A process that is
    killed loses its lock on its own folder, and the next process that comes here removes that.
    """
    if tempfile.tempdir is not None and Path(tempfile.tempdir).parent == folder:
        yield
        return
    with _own_folder(folder) as own:
        before, before_environment = tempfile.tempdir, os.environ.get(_VARIABLE)
        tempfile.tempdir = os.environ[_VARIABLE] = str(own)
        try:
            yield
        finally:
            tempfile.tempdir = before
            if before_environment is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before_environment


@contextmanager
def _own_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder whose lock this process holds, after the folders without a holder are removed."""
    from filelock import FileLock

    with locks.alone(folder / _LOCK_SUFFIX):
        _remove_abandoned(folder)
        try:
            own = Path(tempfile.mkdtemp(dir=folder))
            lock = FileLock(own.with_suffix(_LOCK_SUFFIX))
            lock.acquire(timeout=0)
        except OSError as error:
            raise from_os_error(error, "use", folder) from error
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)
        own.with_suffix(_LOCK_SUFFIX).unlink(missing_ok=True)
        lock.release()


def _remove_abandoned(folder: Path) -> None:
    """Remove the folders of processes that have ended; the caller keeps others from making new ones."""
    from filelock import FileLock, Timeout

    try:
        for own in (path for path in folder.iterdir() if path.is_dir()):
            path = own.with_suffix(_LOCK_SUFFIX)
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            shutil.rmtree(own)
            path.unlink(missing_ok=True)
            lock.release()
    except OSError as error:
        raise from_os_error(error, "use", folder) from error
