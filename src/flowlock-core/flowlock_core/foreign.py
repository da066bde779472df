"""Calls of code that other distributions bring: what it raises is an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignError:
    """What the code of another distribution raised."""

    message: str


def call_foreign(call: Callable[[], T], package: str = "") -> T | ForeignError:
    """Call code of another distribution; what it raises is returned: one package must not stop the others.

    The message ends with the place in the import package of this name that the error comes from.
    """
    try:
        return call()
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - an import may exit, too
        # A SyntaxError adds the name of its file, without the folder, to what it says.
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        place = _place(error, package) if package else None
        where = f" ({place})" if place else ""
        return ForeignError(message=f"{type(error).__name__}: {reason}{where}")


def _place(error: BaseException, package: str) -> str | None:
    """Return the file, from the folder of the package on, and the line that an error comes from."""
    places = [(frame.filename, frame.lineno) for frame in extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((error.filename or "", error.lineno))
    for file, line in reversed(places):
        parts = Path(file).parts
        for start, part in enumerate(parts):
            if part in (package, f"{package}.py"):
                return f"{'/'.join(parts[start:])}:{line}"
    return None
