"""Files inside a folder, opened without following a link or leaving the folder."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from flowlock_serve.byte_ranges import ByteRange

_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY
# Without O_NONBLOCK, opening a named pipe would wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


_CHUNK = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedFile:
    """The handle of a regular file and its size; it is closed when its pieces have been read."""

    handle: int
    size: int

    def pieces(self, part: ByteRange) -> Iterator[bytes]:
        """Yield the bytes of a part."""
        with os.fdopen(self.handle, "rb") as stream:
            stream.seek(part.start)
            left = part.end - part.start
            while left and (data := stream.read(min(_CHUNK, left))):
                left -= len(data)
                yield data

    def close(self) -> None:
        """Close the file without reading it."""
        os.close(self.handle)


def open_contained(folder: Path, path: str) -> OpenedFile | None:
    """Open a file by its relative path; None if it does not exist, is a link, or would be elsewhere."""
    parts = path.split("/")
    if any(_is_refused(part) for part in parts):
        return None
    try:
        with ExitStack() as opened:
            parent = os.open(folder, _FOLDER)
            opened.callback(os.close, parent)
            for part in parts[:-1]:
                parent = os.open(part, _FOLDER, dir_fd=parent)
                opened.callback(os.close, parent)
            handle = os.open(parts[-1], _FILE, dir_fd=parent)
    except (OSError, ValueError):
        return None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        return None
    return OpenedFile(handle=handle, size=status.st_size)


def _is_refused(part: str) -> bool:
    """Return whether a part of a path leads elsewhere, or would if it were decoded once more."""
    decoded = unquote(part)
    return decoded in ("", ".", "..") or "/" in decoded or "\\" in decoded or "\0" in decoded
