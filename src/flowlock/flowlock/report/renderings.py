"""Problems for people, for editors and for GitHub: three renderings of one list."""

from collections.abc import Mapping, Sequence
from typing import Any

from flowlock.errors import Problem, Severity
from flowlock.report.problem_text import problems_text as as_text

__all__ = ["as_github", "as_json", "as_text", "errors", "warnings"]


def errors(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems that must be fixed."""
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def warnings(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems that do not stop a command."""
    return [problem for problem in problems if problem.severity is Severity.WARNING]


def as_json(problems: Sequence[Problem]) -> Mapping[str, Any]:
    """Return the contract's document; warnings have a separate list."""
    failed = errors(problems)
    return {
        "ok": not failed,
        "problems": [problem.as_json() for problem in failed],
        "warnings": [problem.as_json() for problem in warnings(problems)],
    }


def as_github(problems: Sequence[Problem]) -> str:
    """Return workflow commands, which GitHub shows beside the lines of a change."""
    return "\n".join(_annotation(problem) for problem in problems)


def _annotation(problem: Problem) -> str:
    fields = {"title": problem.code}
    at = problem.location
    if at:
        position = {"file": at.file, "line": at.line, "col": at.column}
        fields = {**{key: str(value) for key, value in position.items() if value is not None}, **fields}
    properties = ",".join(f"{key}={_escaped(value, property_value=True)}" for key, value in fields.items())
    hint = f"\nhint: {problem.hint}" if problem.hint else ""
    return f"::{problem.severity.value} {properties}::{_escaped(problem.message + hint)}"


def _escaped(text: str, *, property_value: bool = False) -> str:
    """Escape as the runner reads it; see actions/toolkit, packages/core/src/command.ts."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property_value else text
