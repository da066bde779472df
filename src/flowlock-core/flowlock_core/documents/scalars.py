"""What a plain scalar of YAML 1.2 is: the one rule for specs, parameters, `--set` and test cases."""

import math
import re
from typing import TypeAlias

Plain: TypeAlias = bool | int | float | str | None

LONGEST_NUMBER = 400
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# The core schema of YAML 1.2 (section 10.3.2): `on`, `12:30`, `1_000` and dates are texts.
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_PREFIXED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_BEGINS_A_NUMBER = frozenset("+-.0123456789")


class NumberError(ValueError):
    """A string that looks like a number and is refused: the reason and the hint."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def plain_value(text: str) -> Plain:
    """Return what an unquoted scalar stands for; a NumberError explains why a number is refused.

    A leading zero is refused: YAML 1.1 reads `010` as 8, YAML 1.2 as 10, and people mean a text by `007`.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _BEGINS_A_NUMBER:
        return text
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", "", 1))
    if _PREFIXED.fullmatch(text):
        _require_short(text)
        return int(text, 0)
    if not _FLOAT.fullmatch(text):
        return text
    _require_short(text)
    if _LEADING_ZERO.match(text):
        raise NumberError(
            f"`{text}` begins with a zero, so it may be a string or a number",
            "put it in quotes if it is a string; remove the zero if it is a number",
        )
    return int(text) if _DECIMAL.fullmatch(text) else finite(text)


def finite(text: str) -> float:
    """Return a number with a fraction or an exponent; a NumberError if it is too large."""
    value = float(text)
    if math.isinf(value):
        raise NumberError(f"the number {text} is too large", "put it in quotes if it is a string")
    return value


def _require_short(text: str) -> None:
    if len(text) > LONGEST_NUMBER:
        raise NumberError(
            f"a number of {len(text):,} digits is too long", "put it in quotes if it is a string"
        )
