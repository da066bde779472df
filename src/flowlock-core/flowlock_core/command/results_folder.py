"""One run at a time writes into a results folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flowlock_core.errors import WorkflowError
from flowlock_core.runs.locks import lock_folder


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep other runs out of a results folder, which is made; a WorkflowError if one writes there already.

    The operating system lets go of it with the process, however that ends. Windows cannot lock a folder.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _locked(folder)
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


def _locked(folder: Path) -> int | None:
    """Return a handle of a folder, by which it is locked; None if it cannot be locked."""
    while True:
        try:
            handle = lock_folder(folder)
        except BlockingIOError:
            raise WorkflowError(
                f"another run is writing to {folder}",
                code="FL745",
                hint="wait until it has ended, or choose another folder with --results",
            ) from None
        if handle is None or os.fstat(handle).st_nlink:
            return handle
        # The run that has just ended has removed it.
        os.close(handle)
        folder.mkdir(parents=True, exist_ok=True)
