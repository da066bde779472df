"""Edits of single scalars in a YAML text: their quotes, the comments and the layout stay. Pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flowlock.errors import Location
from flowlock_core.documents.nodes import Mapping, Scalar

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'""")
# Whatever else needs quotes is not part of a version or a match spec.
_NEEDS_QUOTES = re.compile(r"[>|*&!%@`\[{0-9]|.*(?:: | #)")


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalarEdit:
    """A range of a text and what stands there afterwards; or the fault that forbids it.

    `old` and `new` are the values without quotes, for people.
    """

    start: int
    end: int
    line: int
    old: str
    new: str = ""
    written: str = ""
    fault: str = ""


def replaced(text: str, scalar: Scalar, new: Callable[[], str]) -> ScalarEdit:
    """Return the edit that gives a scalar another value; a ValueError of `new` is its fault."""
    start, line = _offset(text, scalar.at), scalar.at.line or 1
    quoted = _QUOTED.match(text, start)
    end = quoted.end() if quoted else start + len(scalar.text)
    try:
        value = new()
    except ValueError as error:
        return ScalarEdit(start=start, end=end, line=line, old=scalar.text, fault=str(error))
    if quoted is None and text[start:end] != scalar.text:
        fault = f"`{scalar.text}` has a tag, an anchor or more than one line"
        return ScalarEdit(start=start, end=end, line=line, old=scalar.text, fault=fault)
    quote = text[start] if quoted else ""
    return ScalarEdit(
        start=start, end=end, line=line, old=scalar.text, new=value, written=_written(value, quote)
    )


def inserted(text: str, mapping: Mapping, after: Scalar, key: str, new: Callable[[], str]) -> ScalarEdit:
    """Return the edit that adds a key to a mapping, behind one of its values."""
    start, line = _offset(text, after.at), after.at.line or 1
    quoted = _QUOTED.match(text, start)
    end = quoted.end() if quoted else start + len(after.text)
    value = new()
    entry = f'{key}: "{value}"'
    if text[_offset(text, mapping.at)] == "{":
        return ScalarEdit(start=end, end=end, line=line, old="", new=value, written=f", {entry}")
    broken = _BREAK.search(text, end)
    at = broken.start() if broken else len(text)
    indent = " " * ((mapping.at.column or 1) - 1)
    return ScalarEdit(start=at, end=at, line=line + 1, old="", new=value, written=f"\n{indent}{entry}")


def applied(text: str, edits: Sequence[ScalarEdit]) -> str:
    """Return the text after edits that are sorted and do not overlap."""
    parts, position = [], 0
    for edit in edits:
        parts += [text[position : edit.start], edit.written]
        position = edit.end
    return "".join([*parts, text[position:]])


def _written(value: str, quote: str) -> str:
    if quote == "'":
        return f"'{value}'"
    if quote or _NEEDS_QUOTES.match(value):
        return f'"{value}"'
    return value


def _offset(text: str, at: Location) -> int:
    """Return where a place is in a text, counting lines as YAML does."""
    start = 0
    for _ in range((at.line or 1) - 1):
        broken = _BREAK.search(text, start)
        start = broken.end() if broken else len(text)
    return start + (at.column or 1) - 1
