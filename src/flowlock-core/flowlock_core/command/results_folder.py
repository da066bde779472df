"""One run at a time writes into a results folder."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flowlock_core.errors import WorkflowError


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep other runs out of a results folder, which is made; a WorkflowError if one writes there already.

    The operating system lets go of it with the process, however that ends. Windows cannot lock a folder.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = None if sys.platform == "win32" else _locked(folder)
    except OSError as error:
        raise WorkflowError(
            f"cannot write {folder}: {error.strerror or error}",
            code="FL734",
            hint="choose another folder with --results, or free some space",
        ) from error
    try:
        yield
    finally:
        # A run that has written nothing leaves no folder.
        with suppress(OSError):
            for path in missing:
                path.rmdir()
        if handle is not None:
            os.close(handle)


def _locked(folder: Path) -> int:
    """Return a handle of a folder, by which it is locked."""
    from fcntl import LOCK_EX, LOCK_NB, flock

    while True:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise WorkflowError(
                f"another run is writing to {folder}",
                code="FL745",
                hint="wait until it has ended, or choose another folder with --results",
            ) from None
        except OSError:
            # Some file systems of a network have no locks.
            return handle
        if os.fstat(handle).st_nlink:
            return handle
        # The run that has just ended has removed it.
        os.close(handle)
        folder.mkdir(parents=True, exist_ok=True)
