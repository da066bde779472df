"""Problems for people, for editors and for GitHub: three renderings of one list."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flowlock.errors import Problem
from flowlock.report import problem_text

_LINES = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_TOKEN = re.compile(r"""\$\{\{.*?\}\}|"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,\[\]{}:#]+""")
SNIPPET = 100


def as_text(problems: Sequence[Problem], texts: Mapping[str, str]) -> str:
    """Return each problem with the line that it is about and carets under the value.

    `texts` holds the text of each file, by the name that the problems use.
    """
    lines = {file: _LINES.split(text) for file, text in texts.items()}
    return "\n".join(_with_snippet(problem, lines) for problem in problems)


def as_json(problems: Sequence[Problem]) -> dict[str, Any]:
    """Return the contract's document."""
    return {"ok": not problems, "problems": [problem.as_json() for problem in problems]}


def as_github(problems: Sequence[Problem]) -> str:
    """Return workflow commands, which GitHub shows beside the lines of a change."""
    return "\n".join(_annotation(problem) for problem in problems)


def _with_snippet(problem: Problem, lines: Mapping[str, Sequence[str]]) -> str:
    head, *hints = problem_text(problem).split("\n")
    return "\n".join([head, *_snippet(problem, lines), *hints])


def _snippet(problem: Problem, lines: Mapping[str, Sequence[str]]) -> list[str]:
    at = problem.location
    if at is None or at.line is None or at.column is None or at.line > len(lines.get(at.file, ())):
        return []
    line = lines[at.file][at.line - 1].removeprefix("\ufeff")
    start = at.column - 1
    if start > len(line):
        return []
    token = _TOKEN.match(line, start)
    length = len(token[0]) if token else 1
    # A long line is cut around the value, so that the carets stay under it.
    offset = max(0, start - SNIPPET // 2) if len(line) > SNIPPET else 0
    seen = _plain(line[offset : offset + SNIPPET])
    carets = "^" * max(1, min(length, SNIPPET - (start - offset)))
    number = str(at.line)
    margin = " " * len(number)
    return [f"  {number} | {seen}", f"  {margin} | {' ' * (start - offset)}{carets}"]


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _annotation(problem: Problem) -> str:
    fields = {"title": problem.code}
    at = problem.location
    if at:
        places = {"file": at.file, "line": at.line, "col": at.column}
        fields = {**{key: str(value) for key, value in places.items() if value is not None}, **fields}
    properties = ",".join(f"{key}={_escaped(value, property_value=True)}" for key, value in fields.items())
    hint = f"\nhint: {problem.hint}" if problem.hint else ""
    return f"::error {properties}::{_escaped(problem.message + hint)}"


def _escaped(text: str, *, property_value: bool = False) -> str:
    """Escape as the runner reads it; see actions/toolkit, packages/core/src/command.ts."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property_value else text
