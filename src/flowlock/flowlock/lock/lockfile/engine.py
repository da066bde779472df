"""The py-rattler adapter of lockfiles: what a text pins, and its upgrade to the current format."""

import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rattler.lock import LockFile

_POSITION = re.compile(r"line (\d+)(?:,? column (\d+))?")

# An environment, a platform and the location of a package that is pinned there.
Pin = tuple[str, str, str]


class RefusedError(Exception):
    """The engine cannot parse a text: the reason, and the line and column if the engine has them."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        position = _POSITION.search(message)
        self.line = int(position[1]) if position else None
        self.column = int(position[2]) if position and position[2] else None


def pins(text: str) -> set[Pin]:
    """Return all that a lock pins; a RefusedError explains why the engine does not read it."""
    with _loaded(text) as (lock, _):
        return _pins(lock)


def upgraded(text: str) -> str:
    """Return a lock's text in the engine's own version of the format, with the same pins.

    A RefusedError explains why the engine does not read the lock, or that a pin would be lost.
    """
    with _loaded(text) as (lock, folder):
        before = _pins(lock)
        target = folder / "upgraded.lock"
        lock.to_path(target)
        result = target.read_text(encoding="utf-8")
    if pins(result) != before:
        raise RefusedError("its pins differ in the current format")
    return result


def _pins(lock: "LockFile") -> set[Pin]:
    pinned = set()
    for name, environment in lock.environments():
        for platform in environment.platforms():
            for package in environment.packages(platform) or ():
                pinned.add((name, platform.name, package.location))
    return pinned


@contextmanager
def _loaded(text: str) -> "Iterator[tuple[LockFile, Path]]":
    from rattler import exceptions
    from rattler.lock import LockFile

    # The engine reads files only.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "pixi.lock"
        file.write_text(text, encoding="utf-8")
        try:
            yield LockFile.from_path(file), folder
        except (exceptions.ParseCondaLockError, exceptions.IoError) as error:
            raise RefusedError(str(error)) from error
