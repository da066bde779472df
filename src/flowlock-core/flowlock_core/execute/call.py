"""One call of a task: frozen, can be pickled, and gives its result, its files or what went wrong as data."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from flowlock_core.arguments import ArgumentError
from flowlock_core.errors import Problem, TaskError, WorkflowError
from flowlock_core.execute.context import RUNNING, Position, RunContext
from flowlock_core.execute.failures import failure
from flowlock_core.execute.own_values import own_values
from flowlock_core.execute.plan import PlannedStep
from flowlock_core.execute.policy import DEFAULT_POLICY, Policy
from flowlock_core.task import Task

_NO_MOCKS: Mapping[str, Path] = {}


class Deferred(NamedTuple):
    """What is left to do where a call runs, because only there are its values: they are not checked yet.

    `step` has its task, conditions and policy, but no values. `own` are the arguments that only this element
    has. `describe` is given the result where it is, and what it returns becomes `kept` of the outcome.
    """

    step: PlannedStep
    arguments: Mapping[str, Any]
    own: Mapping[str, Any]
    mock_io: bool = False
    mocks: Mapping[str, Path] = _NO_MOCKS
    describe: Callable[[Any], Any] | None = None


class Call(NamedTuple):
    """A task and all that it needs to run once; not a dataclass, since each element of a map has one.

    `of_run` is what the contexts of all calls of the run have in common; `delay` is how many seconds to wait.
    A call with `deferred` has no `values` yet.
    """

    step: str
    task: Task[..., Any]
    values: Mapping[str, Any]
    of_run: RunContext
    element: str = ""
    position: Position = (0, 0)
    policy: Policy = DEFAULT_POLICY
    delay: float = 0.0
    deferred: Deferred | None = None

    @property
    def timeout(self) -> float | None:
        """How many seconds the call may take."""
        return self.policy.timeout

    @property
    def label(self) -> str:
        """What problems call it."""
        return label_of(self.step, self.element)

    @property
    def context(self) -> RunContext:
        """The context of the call."""
        return self.of_run.of_call(self.element, self.position)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why a call failed; `error` is what was raised, for a debugger, if it was raised in this process."""

    message: str
    problems: tuple[Problem, ...]
    error: BaseException | None

    def as_error(self) -> WorkflowError:
        """Return the error that ends a run."""
        error = WorkflowError(self.message, problems=self.problems)
        error.__cause__ = self.error
        return error


class Outcome(NamedTuple):
    """What a call gave; `ran` is false if its task did not run, because it was skipped, mocked or reused.

    `label` is what problems call it, if it has written files. `reused` is what an earlier run gave. `inputs`
    are the files that a deferred call named, and `kept` is the description of its result.
    """

    value: Any = None
    written: tuple[Path, ...] = ()
    failure: Failure | None = None
    ran: bool = True
    label: str = ""
    reused: bool = False
    inputs: tuple[Path, ...] = ()
    kept: Any = None


def prepared_or_failed(
    prepare: Callable[[], Call | Outcome], failed: Callable[[BaseException], Failure]
) -> Call | Outcome:
    """Return a call, or its outcome if nothing runs because it is skipped, mocked or wrong."""
    try:
        return prepare()
    except Exception as error:  # noqa: BLE001 - a condition is code of a task package, too
        return Outcome(failure=failed(error), ran=False)


def run_call(call: Call) -> Outcome:
    """Run a task once; whatever it raises is a part of the outcome, but an interrupt."""
    step, task, values, of_run, element, position, _, delay, _ = call
    if delay:
        time.sleep(delay)
    written: dict[Path, None] = {}
    # Not a context manager: each element of a map would pay for it.
    token = RUNNING.set((of_run, element, position, written))
    try:
        value = task.func(**own_values(values))
    except BaseException as error:
        # A task that exits has failed; an interrupt ends the run.
        if not isinstance(error, Exception | SystemExit):
            raise
        label = label_of(step, element)
        failed = failure_of(error, step, label, task, values)
        return Outcome(None, tuple(written), failed, label=label)
    finally:
        RUNNING.reset(token)
    if not written:
        return Outcome(value)
    return Outcome(value, tuple(written), label=label_of(step, element))


def label_of(step: str, element: str) -> str:
    """Return what problems call a call: `charts`, or `charts[island-Biscoe]`."""
    return f"{step}[{element}]" if element else step


def failure_of(
    error: BaseException, step: str, label: str, task: Task[..., Any], values: Mapping[str, Any]
) -> Failure:
    """Turn what a call raised into its problems, under its label."""
    if isinstance(error, WorkflowError):
        return Failure(message=error.message, problems=error.problems, error=error)
    if isinstance(error, ArgumentError):
        problems = tuple(replace(problem, step=label) for problem in error.problems)
        return Failure(message=f"the step `{step}` has wrong arguments", problems=problems, error=error)
    if isinstance(error, TaskError):
        found = Problem(code=error.code, message=error.message, parameter=error.parameter, hint=error.hint)
    else:
        found = failure(error, task=task.name, func=task.func, values=values)
    problem = replace(found, step=label)
    return Failure(message=f"the step `{step}` failed", problems=(problem,), error=error)
