"""TOML with the line of every key, which tomllib does not tell."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowlock.errors import FlowlockError, Location

_KEY = re.compile(
    r"""\s*((?:"[^"\n]*"|'[^'\n]*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"\n]*"|'[^'\n]*'|[A-Za-z0-9_-]+))*)\s*="""
)
_HEADER = re.compile(r"\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")
_TOKEN = re.compile(r"""\"{3}|'{3}|"(?:\\.|[^"\\])*"|'[^']*'|[\[\]{}]|#.*""")

Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A TOML file: its data, and the line (from 1) of each key's path."""

    file: str
    data: Mapping[str, Any]
    text: str = ""
    lines: Mapping[Path, int] = field(default_factory=dict)

    def at(self, path: Path, needle: str = "") -> Location:
        """Return the place of a key, or of the nearest table above it; of a text below it if one is given."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        line = self.lines.get(known, 1)
        if needle:
            rows = self.text.splitlines()
            line = next((n for n in range(line, len(rows) + 1) if needle in rows[n - 1]), line)
        return Location(file=self.file, line=line, column=1)


def load(text: str, file: str, *, code: str = "FL610") -> Document:
    """Parse a TOML text; an error of that code has the line and column where it is none."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (text.count("\n") + 1, 1)
        reason = re.sub(r" \(at .*\)", "", str(error))
        where = Location(file=file, line=line, column=column)
        hint = "see https://toml.io for the syntax"
        raise FlowlockError(f"not TOML: {reason}", code=code, location=where, hint=hint) from error
    lines: dict[Path, int] = {}
    for path, number in _lines(text):
        lines.setdefault(path, number)
    return Document(file=file, data=data, text=text, lines=lines)


def _lines(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    depth, quote = 0, ""
    for number, row in enumerate(text.splitlines(), start=1):
        if not quote and depth == 0:
            if header := _HEADER.match(row):
                table = _path(header[1])
                for length in range(1, len(table) + 1):
                    yield table[:length], number
                continue
            if key := _KEY.match(row):
                path = table + _path(key[1])
                for length in range(len(table) + 1, len(path) + 1):
                    yield path[:length], number
        depth, quote = _after(row, depth, quote)


def _path(dotted: str) -> Path:
    return tuple(a or b or c for a, b, c in _PART.findall(dotted))


def _after(row: str, depth: int, quote: str) -> tuple[int, str]:
    """Return the bracket depth and the open multi-line quote after a row."""
    for token in _TOKEN.findall(row):
        if quote:
            quote = "" if token == quote else quote
        elif token in ('"""', "'''"):
            quote = token
        elif token in ("[", "{"):
            depth += 1
        elif token in ("]", "}"):
            depth -= 1
    return max(depth, 0), quote
