"""Where a value of a JSON text stands: looked for only when something is wrong with it. Pure."""

import json
import re
from collections.abc import Sequence

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def place_of(text: str, path: Sequence[str | int]) -> tuple[int, int]:
    """Return line and column of the value that keys and positions lead to, or of the nearest one around it.

    The text must be well-formed as far as that value.
    """
    position = _after_space(text, 0)
    for part in path:
        inner = _inner(text, position, part)
        if inner is None:
            break
        position = inner
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


def _inner(text: str, position: int, part: str | int) -> int | None:
    """Return where a member of an object or an item of an array begins, None if there is none."""
    opening = text[position : position + 1]
    if opening not in ("{", "["):
        return None
    position = _after_space(text, position + 1)
    number = 0
    while text[position : position + 1] not in ("}", "]", ""):
        name: str | int = number
        if opening == "{":
            name, position = _DECODER.raw_decode(text, position)
            position = _after_space(text, _after_space(text, position) + 1)
        if name == part:
            return position
        _, position = _DECODER.raw_decode(text, position)
        position = _after_space(text, position)
        if text[position : position + 1] == ",":
            position = _after_space(text, position + 1)
        number += 1
    return None


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position
