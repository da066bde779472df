"""The meaning of colour and weight: which parts of a text are states, codes, names, locations and marks.

The texts of commands have few shapes: a problem is `file:line:column: FL120 message` with a line of the file,
carets and a hint below; a table has cells that are two spaces apart. Colour follows from these shapes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from textwrap import wrap


class Style(StrEnum):
    """How a part looks, in the words of rich."""

    GOOD = "green"
    QUIET = "dim"
    CAUTION = "yellow"
    BAD = "bold red"
    CODE = "bold magenta"
    NAME = "bold"
    LOCATION = "cyan"
    HINT = "bold cyan"
    HEADING = "bold"


# States of packages, locks, stages, files and checks: what they say of the next step.
STATES: Mapping[str, Style] = {
    **dict.fromkeys(("ok", "done", "ran", "passed", "made", "updated", "uploaded", "released"), Style.GOOD),
    **dict.fromkeys(
        ("compiled", "built", "verified", "tagged", "installed", "added", "committed", "requested"),
        Style.GOOD,
    ),
    **dict.fromkeys(("current", "cached", "present", "unused", "skipped", "tested"), Style.QUIET),
    **dict.fromkeys(
        ("stale", "other", "absent", "unlocked", "changed", "planned", "not tested"), Style.CAUTION
    ),
    **dict.fromkeys(("rebuilt", "upgraded", "downgraded", "removed", "unknown", "warning"), Style.CAUTION),
    **dict.fromkeys(("failed", "missing", "conflict", "error", "broken"), Style.BAD),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A styled part of a line: where it starts and ends, and the file that it leads to."""

    start: int
    end: int
    style: Style
    file: str | None = None


INDENT, COLUMN_GAP, MIN_CELLS = 4, 2, 2
# The room that a column needs for other columns, or for the rest of its text, to go on below it.
LEAST_OF_SEVERAL, LEAST_OF_LAST = 24, 15
_CELL = re.compile(r"\S+(?: \S+)*")

_LOCATION = re.compile(r"^(?P<file>[^\s:][^:]*):\d+(:\d+)?(?=: )")
_LABEL = re.compile(r"^\s*(?P<label>error|warning|hint|kept)(?=: )|(?<=: )(?P<inner>warning)(?=: FL\d)")
_LABELS = {"error": Style.BAD, "warning": Style.CAUTION, "hint": Style.HINT, "kept": Style.GOOD}
_CODE = re.compile(r"\bFL\d{3}\b")
_CARETS = re.compile(r"^\s+\| \s*(?P<carets>\^+)$")
_MARGIN = re.compile(r"^\s+\d* ?\|")
_NAME = re.compile(r"`[^`]+`")
_WORDS = "|".join(re.escape(state) for state in sorted(STATES, key=len, reverse=True))
_STATE = re.compile(rf"(?:(?<=^)|(?<=\s\s)|(?<=: )|(?<=would be ))(?P<state>{_WORDS})(?=\s\s|$| \()")
_PATH = re.compile(r"^(/|\.{0,2}\w[\w.-]*/)\S.*$")


def parts(line: str) -> Iterator[Part]:
    """Yield the styled parts of a line; later parts are inside earlier ones, or beside them."""
    margin = _MARGIN.match(line)
    if margin:
        yield Part(0, margin.end(), Style.QUIET)
        carets = _CARETS.match(line)
        if carets:
            yield Part(*carets.span("carets"), Style.BAD)
        return
    location = _LOCATION.match(line)
    if location:
        yield Part(0, location.end(), Style.LOCATION, location["file"])
    elif _PATH.match(line):
        yield Part(0, len(line), Style.LOCATION, line)
    yield from _words(line)


def _words(line: str) -> Iterator[Part]:
    """Yield labels, codes, names and states."""
    for label in _LABEL.finditer(line):
        group = "label" if label["label"] else "inner"
        yield Part(*label.span(group), _LABELS[label[group]])
    for pattern, style in ((_CODE, Style.CODE), (_NAME, Style.NAME)):
        for match in pattern.finditer(line):
            yield Part(*match.span(), style)
    for state in _STATE.finditer(line):
        yield Part(*state.span("state"), STATES[state["state"]])


def fitted(line: str, width: int) -> str:
    """Return a line of a table in at most this many columns, if its words allow that.

    Cells stay in their columns. Those that do not fit go on below, under the last column with some room. A
    line without columns is not changed: it may be part of a document, and terminals wrap it.
    """
    cells = [(match.start(), match[0]) for match in _CELL.finditer(line)]
    if len(line) <= width or len(cells) < MIN_CELLS:
        return line
    near = [start for start, _ in cells[1:-1] if start <= width - LEAST_OF_SEVERAL]
    if cells[-1][0] <= width - LEAST_OF_LAST:
        near.append(cells[-1][0])
    layout = _CellLayout(width=width, indent=near[-1] if near else INDENT)
    for start, cell in cells:
        layout.place(start, cell)
    return "\n".join(layout.rows)


class _CellLayout:
    """The rows that the cells of one line take."""

    def __init__(self, *, width: int, indent: int) -> None:
        self._width, self._indent = width, indent
        self.rows = [""]

    def place(self, start: int, cell: str) -> None:
        """Add a cell: in its column, closer to the one before, or below."""
        gap, below = self._gap(start, len(cell)), self._width - self._indent
        room = self._width - len(self.rows[-1]) - gap
        if len(cell) > room and room < below:
            self.rows.append(" " * self._indent)
            gap, room = 0, below
        rows = [cell]
        if len(cell) > room:
            rows = wrap(cell, min(room, below), break_long_words=False, break_on_hyphens=False)
        self.rows[-1] += " " * gap + rows[0]
        self.rows += [" " * self._indent + row for row in rows[1:]]

    def _gap(self, start: int, length: int) -> int:
        row = self.rows[-1]
        least = COLUMN_GAP if row.strip() else 0
        fits = start <= self._indent or start + length <= self._width
        return max(start - len(row), least) if len(self.rows) == 1 and fits else least
