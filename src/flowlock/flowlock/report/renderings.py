"""Problems for people, for editors and for GitHub: three renderings of one list."""

from collections.abc import Mapping, Sequence
from typing import Any

from flowlock.errors import Problem, Severity
from flowlock.report.problem_text import problems_text as as_text

__all__ = ["as_github", "as_json", "as_text", "errors", "warnings"]


def errors(problems: Sequence[Problem]) -> list[Problem]:
    """Return what must be mended."""
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def warnings(problems: Sequence[Problem]) -> list[Problem]:
    """Return what is worth a look."""
    return [problem for problem in problems if problem.severity is Severity.WARNING]


def as_json(problems: Sequence[Problem]) -> Mapping[str, Any]:
    """Return the contract's document; warnings stand in a list of their own."""
    wrong = errors(problems)
    return {
        "ok": not wrong,
        "problems": [problem.as_json() for problem in wrong],
        "warnings": [problem.as_json() for problem in warnings(problems)],
    }


def as_github(problems: Sequence[Problem]) -> str:
    """Return workflow commands, which GitHub shows beside the lines of a change."""
    return "\n".join(_annotation(problem) for problem in problems)


def _annotation(problem: Problem) -> str:
    fields = {"title": problem.code}
    at = problem.location
    if at:
        places = {"file": at.file, "line": at.line, "col": at.column}
        fields = {**{key: str(value) for key, value in places.items() if value is not None}, **fields}
    properties = ",".join(f"{key}={_escaped(value, property_value=True)}" for key, value in fields.items())
    hint = f"\nhint: {problem.hint}" if problem.hint else ""
    return f"::{problem.severity.value} {properties}::{_escaped(problem.message + hint)}"


def _escaped(text: str, *, property_value: bool = False) -> str:
    """Escape as the runner reads it; see actions/toolkit, packages/core/src/command.ts."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property_value else text
