"""Locks of folders: the operating system releases them with the process, however that ends."""

import os
import sys
from pathlib import Path


def lock_folder(folder: Path, *, shared: bool = False) -> int | None:
    """Return the handle that holds the lock of a folder; a BlockingIOError if another process has it.

    None means that there are no locks: Windows cannot lock a folder, nor can some network file systems.
    """
    if sys.platform == "win32":
        return None
    from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flock(handle, (LOCK_SH if shared else LOCK_EX) | LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:
        os.close(handle)
        return None
    return handle


def may_be_locked(folder: Path) -> bool:
    """Return whether a process has locked a folder; True also if that cannot be known."""
    try:
        handle = lock_folder(folder, shared=True)
    except BlockingIOError:
        return True
    if handle is None:
        return True
    os.close(handle)
    return False
