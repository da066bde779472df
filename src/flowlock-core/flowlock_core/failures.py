"""Where in a task's code an exception was raised."""

import linecache
import traceback
from pathlib import Path

_RUN_TIME = str(Path(__file__).parent / "execute")


def where_raised(error: BaseException) -> str | None:
    """Return `file:line` of the last frame outside installed libraries, else of the last frame."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_RUN_TIME)]
    tasks = [frame for frame in own if "site-packages" not in frame.filename]
    frame = next(iter(reversed(tasks or own)), None)
    if frame is None or not linecache.getline(frame.filename, frame.lineno or 0):
        return None
    return f"{frame.filename}:{frame.lineno}"
