"""What can go wrong in a workflow, as data: every expected failure is one of these."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from textwrap import indent
from typing import Any


class ExitCode(IntEnum):
    """The exit codes of our commands; scripts rely on them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BUG = 3
    INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Location:
    """A place in a file, line and column counted from 1; of a `--set` option, the option."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFile:
    """A file that a step has read."""

    step: str
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One problem: a code, a message, its step and parameter, its location and a hint.

    `data` are the files that the tables of the step were made from. `detail` are lines for users who debug a
    task: its arguments and its traceback.
    """

    code: str
    message: str
    step: str | None = None
    parameter: str | None = None
    location: Location | None = None
    hint: str | None = None
    data: tuple[DataFile, ...] = ()
    detail: str = ""

    @property
    def sentence(self) -> str:
        """The message behind the step and the parameter that it is about."""
        where = ".".join(part for part in (self.step, self.parameter) if part)
        return f"{where}: {self.message}" if where else self.message

    def as_json(self) -> dict[str, str | int | None]:
        """Return {code, message, file, line, column, hint}, as all of flowlock's commands print problems.

        What a task raised has a `detail` in addition to.
        """
        where = self.location
        document = {
            "code": self.code,
            "message": self.sentence,
            "file": where.file if where else None,
            "line": where.line if where else None,
            "column": where.column if where else None,
            "hint": self.hint,
        }
        if self.detail:
            document["detail"] = self.detail
        return document

    def __str__(self) -> str:
        text = f"{self.location or 'error'}: {self.code} {self.sentence}"
        if self.hint:
            text = f"{text}\n  hint: {self.hint}"
        return f"{text}\n{indent(self.detail, '  ')}" if self.detail else text


class WorkflowError(Exception):
    """An expected failure of a workflow: all its problems, to be shown without a traceback."""

    exit_code = ExitCode.FAILED

    def __init__(
        self, message: str, *, code: str = "FL738", problems: Sequence[Problem] = (), hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems) or (Problem(code=code, message=message, hint=hint),)

    def as_json(self) -> dict[str, Any]:
        """Return {"ok": false, "message", "problems"}."""
        return {
            "ok": False,
            "message": self.message,
            "problems": [problem.as_json() for problem in self.problems],
        }

    def __str__(self) -> str:
        problems = "\n".join(map(str, self.problems))
        single = len(self.problems) == 1 and self.problems[0].message == self.message
        return problems if single else f"error: {self.message}\n{problems}"


class UsageError(WorkflowError):
    """The command was called with arguments that do not fit; exits 2."""

    exit_code = ExitCode.USAGE


class TaskError(Exception):
    """What a task raises for invalid input: a message, the parameter to change, and a hint.

    The executor adds the step, and the place in the parameters file.
    """

    def __init__(
        self, message: str, *, code: str = "FL732", parameter: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.parameter = parameter
        self.hint = hint


def nearest(name: str, names: Sequence[str]) -> str | None:
    """Return 'did you mean' with the closest of the known names, or nothing if none is close."""
    close = nearest_of(name, names)
    return None if close is None else f"did you mean `{close}`?"


def nearest_of(name: str, names: Sequence[str]) -> str | None:
    """Return the closest of the known names, whatever their case, or nothing if none is close."""
    from difflib import get_close_matches

    folded = {candidate.lower(): candidate for candidate in reversed(names)}
    close = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None
