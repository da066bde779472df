"""The header Range (RFC 9110): one range of bytes; several are answered with the whole file."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*")


class RangeError(Exception):
    """A range that the file does not have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ByteRange:
    """Bytes from `start`, up to but not including `end`."""

    start: int
    end: int


def range_of(header: str | None, size: int) -> ByteRange | None:
    """Return the range that a header asks for, None for the whole file; a RangeError if it is outside."""
    match = _RANGE.fullmatch(header or "")
    # What is not understood is ignored, as the RFC says.
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        start, end = size - length, size
    else:
        start = int(first)
        end = min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= end:
        raise RangeError(f"the file has {size} bytes, and none of this range")
    return ByteRange(start=start, end=end)
