"""Problems of parameters with the paths of their values, as forms and programs need them."""

import re
from typing import Any

from flowlock_core.errors import Problem

# A key, or the number of an element in brackets.
_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def problem_item(problem: Problem) -> dict[str, Any]:
    """Return a problem as {code, message, hint, step, parameter, path}."""
    return {
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
        "step": problem.step,
        "parameter": problem.parameter,
        "path": path_of(problem),
    }


def path_of(problem: Problem) -> list[str | int]:
    """Return the path of a problem's value in the parameters."""
    if problem.step is None:
        return []
    path: list[str | int] = [problem.step.partition("[")[0]]
    for number, key in _PART.findall(problem.parameter or ""):
        path.append(int(number) if number else key)
    return path
