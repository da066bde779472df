"""The archive that a wheel is: opened, its files read, and each way in which it can be at fault."""

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from flowlock.errors import FlowlockError, Location

# A wheel may unpack to this multiple of its size, and to this much more. Code packs to a fourth.
MOST_UNPACKED, SMALL = 200, 64 * 2**20
# What `zipfile` raises on a damaged archive, beside RuntimeError for what it does not unpack.
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError, EOFError, OSError, IndexError)


class WheelFault(Enum):
    """What is wrong with a wheel: the code and the hint."""

    DAMAGED = ("FL420", "run the same command again; if the problem persists, require another version")
    OUTSIDE = ("FL423", "do not install it; ask its publisher, and require another version")
    TOO_LARGE = (
        "FL424",
        "require another version; if all versions are this large, make a conda package of it",
    )
    METADATA = ("FL425", "report this to its maintainers, and require another version until it is fixed")
    UNREADABLE = ("FL426", "unpack it with the tool that made it, and pack it again with `wheel pack`")
    NAME = ("FL427", "restore the original file name, or require another version")


def refused(path: Path, fault: WheelFault, what: str, *, member: str | None = None) -> FlowlockError:
    """Return the error about a wheel, or about a file in it."""
    code, hint = fault.value
    file = path.name if member is None else f"{path.name}/{member}"
    return FlowlockError(f"{path.name} {what}", code=code, location=Location(file=file), hint=hint)


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a wheel for the block; one that is damaged, or far larger than its size, is a FlowlockError."""
    try:
        archive = zipfile.ZipFile(path)
    except RuntimeError as error:
        raise refused(
            path, WheelFault.UNREADABLE, f"uses a compression or encryption that is not supported: {error}"
        ) from error
    except _DAMAGE as error:
        raise refused(path, WheelFault.DAMAGED, f"is not a readable wheel: {error}") from error
    with archive:
        entries = archive.infolist()
        size = sum(entry.file_size for entry in entries)
        if size > MOST_UNPACKED * path.stat().st_size + SMALL:
            largest = max(entries, key=lambda entry: entry.file_size)
            message = f"would unpack to {size:,} bytes"
            raise refused(path, WheelFault.TOO_LARGE, message, member=largest.filename)
        yield archive


def content(path: Path, archive: zipfile.ZipFile, member: str) -> bytes:
    """Return a file of a wheel; a FlowlockError if it is wrong or missing."""
    try:
        return archive.read(member)
    except KeyError as error:
        raise refused(path, WheelFault.METADATA, f"has no `{member}`", member=member) from error
    except RuntimeError as error:
        message = f"uses a compression or encryption that is not supported: {error}"
        raise refused(path, WheelFault.UNREADABLE, message, member=member) from error
    except _DAMAGE as error:
        message = f"is not a readable wheel: {error}"
        raise refused(path, WheelFault.DAMAGED, message, member=member) from error
