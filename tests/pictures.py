"""The pictures of the documentation, which tests take; `--refresh-golden` writes them."""

import struct

import pytest

from shared import ROOT

LARGEST = 300_000
NARROW, WIDE = 390, 1400
# How a page is looked at: the scheme of colours, and the width of the window.
views = pytest.mark.parametrize(
    ("scheme", "width"), [(scheme, width) for scheme in ("light", "dark") for width in (WIDE, NARROW)]
)


def assert_pictured(name: str, picture: bytes, *, refresh: bool) -> None:
    """See that a file of `docs/` is the picture that a test has taken.

    Letters differ from machine to machine; the size of a picture does not.
    """
    file = ROOT / "docs" / name
    if refresh:
        file.write_bytes(picture)
    assert _size_of(file.read_bytes()) == _size_of(picture)
    assert file.stat().st_size < LARGEST


def _size_of(png: bytes) -> tuple[int, int]:
    """Return the width and height of a PNG, from its header."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height
