"""What tests say of the pictures that they take."""

import struct


def size_of(png: bytes) -> tuple[int, int]:
    """Return the width and height of a PNG, from its header."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height
