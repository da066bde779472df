"""Problems as text: the location, a sentence, the line with carets under the value, and the hint."""

import re
from collections.abc import Mapping, Sequence

from flowlock.errors import Problem, Severity

_LINES = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_TOKEN = re.compile(r"""\$\{\{.*?\}\}|"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,\[\]{}:#]+""")
SNIPPET = 100


def problem_text(problem: Problem) -> str:
    """Return a problem as `file:line:column: code message`, its hint on a separate line."""
    return "\n".join([_head(problem), *_hint(problem)])


def problems_text(problems: Sequence[Problem], texts: Mapping[str, str]) -> str:
    """Return each problem with its line of the file and carets under the value.

    `texts` holds the text of each file, by the name that the problems use.
    """
    lines = {file: _LINES.split(text) for file, text in texts.items()}
    return "\n".join(
        "\n".join([_head(problem), *_snippet(problem, lines), *_hint(problem)]) for problem in problems
    )


def _head(problem: Problem) -> str:
    text = f"{problem.code} {problem.message}"
    if problem.severity is Severity.WARNING:
        text = f"warning: {text}"
    elif problem.location is None:
        return f"error: {text}"
    return f"{problem.location}: {text}" if problem.location else text


def _hint(problem: Problem) -> list[str]:
    if not problem.hint:
        return []
    return [f"  hint: {problem.hint}"]


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
    cut = line[offset : offset + SNIPPET]
    shown = "".join(letter if letter.isprintable() else " " for letter in cut)
    carets = "^" * max(1, min(length, SNIPPET - (start - offset)))
    number = str(at.line)
    margin = " " * len(number)
    return [f"  {number} | {shown}", f"  {margin} | {' ' * (start - offset)}{carets}"]
