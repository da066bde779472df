"""Files that are there as a whole or not at all, and what killed processes have left of them."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TEMPORARY = ".flowlock-tmp-"
_OF_PROCESS = re.compile(rf"{re.escape(_TEMPORARY)}([0-9]+)-.*")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a place beside a file to write to; what the block has written there replaces the file in the end.

    A block that fails leaves the file as it was.
    """
    temporary = path.with_name(f"{_TEMPORARY}{os.getpid()}-{os.urandom(8).hex()}")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it."""
    with whole(path) as temporary:
        temporary.write_bytes(data)


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that have ended left half written."""
    for path in folder.rglob(f"{_TEMPORARY}*"):
        match = _OF_PROCESS.fullmatch(path.name)
        if match is not None and not is_running(int(match[1])):
            path.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Return whether a process of this machine exists."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # It is another user's.
        return True
    return True
