"""Whole lines of a file that grows, with the offsets behind them."""

import os
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 16


def lines_from(path: Path, offset: int) -> tuple[list[tuple[int, str]], int]:
    """Return whole lines behind an offset, each with the offset behind it, and where to go on.

    At most about 64 kB are returned at a time. An offset that is not at the start of a line is taken for 0.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(offset := offset if _is_start(stream, offset) else 0)
            data = stream.read(_CHUNK)
            # A line that is longer than a chunk is returned whole.
            data += b"" if data.endswith(b"\n") else stream.readline()
    except FileNotFoundError:
        return [], offset
    lines = []
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        offset += len(line)
        lines.append((offset, line.decode("utf-8", "replace").rstrip("\n")))
    return lines, offset


def _is_start(stream: BinaryIO, offset: int) -> bool:
    # Clients name offsets: file systems refuse to seek beyond the largest file that they can hold.
    if not 0 < offset <= stream.seek(0, os.SEEK_END):
        return False
    stream.seek(offset - 1)
    return stream.read(1) == b"\n"
