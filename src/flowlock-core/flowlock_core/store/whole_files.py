"""Files that are there as a whole or not at all, and what killed processes have left of them."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any

_TEMPORARY = ".flowlock-tmp-"
_OF_PROCESS = re.compile(rf"{re.escape(_TEMPORARY)}([0-9]+)-.*")


def write_whole(path: Path, data: Any) -> None:
    """Write a file beside its place and rename it."""
    handle, name = tempfile.mkstemp(prefix=f"{_TEMPORARY}{os.getpid()}-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that have ended left half written."""
    for path in folder.rglob(f"{_TEMPORARY}*"):
        match = _OF_PROCESS.fullmatch(path.name)
        if match is not None and not _is_running(int(match[1])):
            path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # It is another user's.
        return True
    return True
