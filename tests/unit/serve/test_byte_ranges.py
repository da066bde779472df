"""The header Range, as RFC 9110 has it."""

import pytest

from flowlock_serve.byte_ranges import ByteRange, RangeError, range_of


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-9", 0, 10),
        ("bytes=3-", 3, 10),
        ("bytes=3-99", 3, 10),
        ("bytes=-4", 6, 10),
        ("bytes=-99", 0, 10),
    ],
)
def test_a_range_is_within_the_file(header: str, start: int, end: int) -> None:
    assert range_of(header, 10) == ByteRange(start=start, end=end)


@pytest.mark.parametrize(
    "header", [None, "", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes 0-1"]
)
def test_what_is_not_one_range_is_ignored(header: str | None) -> None:
    assert range_of(header, 10) is None


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0)])
def test_a_range_outside_the_file_is_refused(header: str, size: int) -> None:
    with pytest.raises(RangeError):
        range_of(header, size)
