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
    handle = locked(
        folder,
        WorkflowError(
            f"another run is writing to {folder}",
            code="FL745",
            hint="wait until it has ended, or choose another folder with --results",
        ),
    )
    try:
        yield
    finally:
        # A run that has written nothing leaves no folder.
        with suppress(OSError):
            for path in missing:
                path.rmdir()
        if handle is not None:
            os.close(handle)


def locked(folder: Path, refusal: WorkflowError) -> int | None:
    """Return the handle by which a folder is locked, which is made; None if it cannot be locked.

    The `refusal` is raised if another process has locked it; a WorkflowError if it cannot be written.
    """
    try:
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            handle = lock_folder(folder)
            if handle is None or os.fstat(handle).st_nlink:
                return handle
            # The run that has just ended has removed it.
            os.close(handle)
    except BlockingIOError:
        raise refusal from None
    except OSError as error:
        raise WorkflowError(
            f"cannot write {folder}: {error.strerror or error}",
            code="FL734",
            hint="choose another folder with --results, or free some space",
        ) from error
