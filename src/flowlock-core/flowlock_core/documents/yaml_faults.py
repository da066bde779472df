"""What libyaml finds wrong with a text, in the words of the people who write such texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from flowlock_core.documents.nodes import Fault, FaultKind, start_of
from flowlock_core.errors import Location


@dataclass(frozen=True, kw_only=True, slots=True)
class _Explanation:
    """What libyaml says of a mistake, and what people mean by it; `{}` is the character at the place.

    With `at_start`, the mistake is where libyaml began to read what it could not end.
    """

    problem: str
    context: str = ""
    message: str
    hint: str
    at_start: bool = False


_NO_START, _QUOTE = "an unquoted string cannot begin with {}", "put it in quotes"
_EXPLANATIONS = (
    _Explanation(problem="cannot start any token", message=_NO_START, hint=_QUOTE),
    _Explanation(
        problem="mapping values are not allowed",
        message="a second `: ` in one line",
        hint="put a string that contains `: ` in quotes",
    ),
    _Explanation(
        problem="unexpected end of stream",
        context="quoted scalar",
        message="the quote {} that begins here is not closed",
        hint="write the same quote after the string",
        at_start=True,
    ),
    _Explanation(
        problem="could not find expected ':'",
        context="simple key",
        message="a line that begins here has no `: `",
        hint="write `key: value`, or indent the line if it continues the string above",
        at_start=True,
    ),
    # `version: >=1.0` begins a folded block, after whose sign only a number or `-` may come.
    _Explanation(
        problem="comment or line break", context="block scalar", message=_NO_START, hint=_QUOTE, at_start=True
    ),
    _Explanation(
        problem="did not find expected ',' or",
        context="flow",
        message="the bracket {} that begins here is not closed",
        hint="close it, and put a comma between its values",
        at_start=True,
    ),
)


def malformed(reason: str, location: Location, hint: str | None = None) -> Fault:
    """Return the fault of a text that is not YAML."""
    return Fault(kind=FaultKind.SYNTAX, message=f"not YAML: {reason}", location=location, hint=hint)


def syntax_fault(error: yaml.MarkedYAMLError, text: str, file: str) -> Fault:
    """Return libyaml's error as the fault of a text: what people mean by it, where that is known."""
    mark, context = error.problem_mark or error.context_mark, error.context_mark
    if mark is None:
        return malformed(error.problem or "cannot be read", start_of(file))
    lines = text.splitlines()
    reason, hint = _explained(error, _line(lines, mark), mark.column)
    known = _explanation(error) if hint is None else None
    if known is not None:
        mark = context if known.at_start and context else mark
        letter = _line(lines, mark)[mark.column : mark.column + 1]
        reason, hint = known.message.format(f"`{letter}`"), known.hint
    location = Location(file=file, line=mark.line + 1, column=mark.column + 1)
    return malformed(reason, location, hint or _beginning(error, mark))


def _beginning(error: yaml.MarkedYAMLError, mark: Any) -> str | None:
    """Return a hint at where libyaml began to read what it could not, if that is another line."""
    context = error.context_mark
    if context is None or context.line == mark.line:
        return None
    return f"see also line {context.line + 1}: {error.context}"


def _explanation(error: yaml.MarkedYAMLError) -> _Explanation | None:
    for known in _EXPLANATIONS:
        if known.problem in (error.problem or "") and known.context in (error.context or ""):
            return known
    return None


def _line(lines: Sequence[str], mark: Any) -> str:
    return lines[mark.line] if mark.line < len(lines) else ""


def _explained(error: yaml.MarkedYAMLError, line: str, column: int) -> tuple[str, str | None]:
    """Return libyaml's reason or, where the line says more than that, a clearer explanation and a hint."""
    reason = error.problem or "cannot be read"
    if "${{" in line and "'}'" in reason:
        return reason, 'inside { }, a reference needs quotes: "${{ workflow.<id>.return }}"'
    if line[column:].startswith("\t") or "tab character" in reason:
        return "a line is indented with a tab", "indent with two spaces for each level"
    if "did not find expected key" in reason and line[:column].rstrip().endswith(("'", '"')):
        hint = "put the whole string in one pair of quotes; inside '…', a quote is doubled: ''"
        return "something follows a string in quotes", hint
    if _is_block_start(line, column) and "did not find expected" in reason:
        return _misplaced_line(error, line, column)
    return reason, None


def _is_block_start(line: str, column: int) -> bool:
    """Return whether a column is the first of a line's contents."""
    return column < len(line) and not line[:column].strip()


def _misplaced_line(error: yaml.MarkedYAMLError, line: str, column: int) -> tuple[str, str | None]:
    """Explain that libyaml expects the next item of a list, or the next key of a mapping."""
    block, reason = error.context_mark, error.problem or ""
    if block is not None and block.column == column and "'-' indicator" in reason:
        return "an item of a list must begin with `- `", f"the list begins on line {block.line + 1}"
    if block is not None and block.column == column and line[column:].startswith("-"):
        hint = "indent it below the key whose list it belongs to"
        return "an item of a list is where a key is expected", hint
    reason = f"the line is indented by {column} spaces, which does not match any line above"
    if block is None:
        return reason, None
    return reason, f"the block that begins on line {block.line + 1} is indented by {block.column}"
