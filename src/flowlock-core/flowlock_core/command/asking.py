"""Asks at the terminal for the required parameters that have no value."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from flowlock_core.command.parameter_texts import ParameterText


def missing(
    parameters: Iterable[ParameterText], by_step: Mapping[str, Mapping[str, Any]]
) -> list[ParameterText]:
    """Return the required parameters that have no value."""
    without_value = []
    for parameter in parameters:
        values = by_step.get(parameter.step)
        has_value = isinstance(values, Mapping) and parameter.name in values
        if parameter.default is None and not has_value:
            without_value.append(parameter)
    return without_value


def ask(
    parameters: Iterable[ParameterText], *, answers: TextIO | None = None, questions: TextIO | None = None
) -> list[str]:
    """Ask for each parameter in turn; return the answers as `--set` takes them, STEP.PARAMETER=VALUE.

    An empty line asks again. When the answers end (Ctrl-D), what is left is not asked.
    """
    answers, questions = answers or sys.stdin, questions or sys.stderr
    settings: list[str] = []
    for parameter in parameters:
        questions.write(f"{parameter.path} ({parameter.kind}): {parameter.description or parameter.title}\n")
        answer = ""
        while not answer:
            questions.write("> ")
            questions.flush()
            line = answers.readline()
            if not line:
                questions.write("\n")
                return settings
            answer = line.strip()
        settings.append(f"{parameter.path}={answer}")
    return settings
