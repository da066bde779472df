"""Locks between processes; the operating system releases them when a process ends, however it ends."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flowlock.errors import from_os_error


@contextmanager
def alone(path: Path, *, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock that one process has at a time; `waiting` is called if another one has it.

    Who holds it may ask for it again: it is free when the outermost block has ended.
    """
    from filelock import FileLock, Timeout

    with _refusals_explained(path):
        lock = FileLock(path, is_singleton=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if waiting is not None:
                waiting()
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Hold a lock that any number of processes have at a time, while nobody has it by `unless_shared`."""
    from filelock import ReadWriteLock

    with _refusals_explained(path):
        lock = ReadWriteLock(path, is_singleton=False)
        lock.acquire_read()
    try:
        yield
    finally:
        lock.release()
        lock.close()


@contextmanager
def unless_shared(path: Path) -> Iterator[bool]:
    """Hold the lock for the block and yield True; yield False at once if another process holds it."""
    from filelock import ReadWriteLock, Timeout

    with _refusals_explained(path):
        lock = ReadWriteLock(path, is_singleton=False)
        try:
            lock.acquire_write(blocking=False)
            free = True
        except Timeout:
            free = False
    try:
        yield free
    finally:
        if free:
            lock.release()
        lock.close()


@contextmanager
def _refusals_explained(path: Path) -> Iterator[None]:
    """Make the lock's folder; what the operating system refuses becomes a FlowlockError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise from_os_error(error, "use", path.parent) from error
