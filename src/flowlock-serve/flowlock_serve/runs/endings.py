"""How a run ended, by what its process reported and why it was ended."""

import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any

from flowlock_core.errors import Problem
from flowlock_core.parameters.params import STDIN_NAME
from flowlock_serve.runs.record import RunEnd, ServedState
from flowlock_serve.runs.run_files import RunFiles

_INTERRUPTED = "FL003"


class EndReason(Enum):
    """Why the service ends a run."""

    CANCELLED = "cancelled"
    TIME_LIMIT = "time limit"
    STOPPED = "stopped"


def end_of(files: RunFiles, reason: EndReason | None, status: int | None, ended: str) -> RunEnd:
    """Return how a run ended; `status` is its exit code or signal, None if its service was killed.

    A run that has reported its results is done, whatever happened afterwards.
    """
    state, problems = _state_and_problems(files.report(), reason, status)
    return RunEnd(
        state=state,
        ended=ended,
        steps_ended=files.steps_ended(),
        problems=problems,
        results=files.result_names() if state is ServedState.DONE else (),
        size=files.size(),
    )


def _state_and_problems(
    report: Mapping[str, Any] | None, reason: EndReason | None, status: int | None
) -> tuple[ServedState, Sequence[Mapping[str, Any]]]:
    if report is not None and report.get("ok") is True:
        return ServedState.DONE, []
    if reason is EndReason.CANCELLED:
        return ServedState.CANCELLED, []
    if reason is EndReason.TIME_LIMIT:
        return ServedState.FAILED, [_TIME_LIMIT.as_json()]
    if reason is EndReason.STOPPED:
        return ServedState.INTERRUPTED, [_STOPPED.as_json()]
    if report is None:
        problem = _STOPPED if status is None else _killed(status)
        return ServedState.INTERRUPTED, [problem.as_json()]
    problems = _problems_of(report)
    interrupted = any(problem.get("code") == _INTERRUPTED for problem in problems)
    return ServedState.INTERRUPTED if interrupted else ServedState.FAILED, problems


_TIME_LIMIT = Problem(
    code="FL781",
    message="the run took longer than the time limit of the service",
    hint="resume it: the results of the finished steps are cached; the option --time-limit sets the limit",
)
_STOPPED = Problem(
    code="FL785",
    message="the service was stopped while the run was going on",
    hint="resume it: the results of the finished steps are cached",
)


def _problems_of(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    problems = report.get("problems")
    if not isinstance(problems, list):
        return []
    return [_placed(problem) for problem in problems if isinstance(problem, dict)]


def _placed(problem: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a problem without its place in the parameters that only the process of the run has read."""
    if problem.get("file") != STDIN_NAME:
        return problem
    return {**problem, "file": None, "line": None, "column": None}


def _killed(status: int) -> Problem:
    cause = f"with the exit code {status} and without a report"
    with suppress(ValueError):
        cause = f"by the signal {signal.Signals(-status).name}"
    return Problem(
        code="FL756",
        message=f"the process of the run was ended {cause}",
        hint="the memory may be full, or a library that a task calls is faulty; its log may say more",
    )
