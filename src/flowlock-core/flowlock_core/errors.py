"""What can go wrong in a workflow, as data: every expected failure is one of these."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of a workflow's command; scripts rely on them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BUG = 3
    INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is wrong: a sentence, its step and parameter, its place in a file, a way out."""

    message: str
    step: str | None = None
    parameter: str | None = None
    place: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        where = ".".join(part for part in (self.step, self.parameter) if part)
        text = ": ".join(part for part in (self.place, where, self.message) if part)
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class WorkflowError(Exception):
    """An expected failure of a workflow: all its problems, to be shown without a traceback."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, problems: Sequence[Problem] = (), hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems) or (Problem(message=message, hint=hint),)


class UsageError(WorkflowError):
    """The command was called with arguments that do not fit; exits 2."""

    exit_code = ExitCode.USAGE


class TaskError(Exception):
    """What a task raises when its input does not fit: a sentence, the parameter to change, a way out.

    The executor adds the step, and the place in the parameters file.
    """

    def __init__(self, message: str, *, parameter: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.parameter = parameter
        self.hint = hint


def nearest(name: str, known: Sequence[str]) -> str | None:
    """Return 'did you mean' with the closest of the known names, or nothing if none is close."""
    folded = {candidate.lower(): candidate for candidate in reversed(known)}
    close = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    return f"did you mean `{folded[close[0]]}`?" if close else None
