"""Those who follow a run from its first step to its end: its folder, its log, its trace."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Protocol

from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.execute import Observer, Plan, RunLog, StepRecord


class RunState(Enum):
    """The state of a run."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    # By Ctrl-C, or because its process was killed.
    INTERRUPTED = "interrupted"


class RunFollower(Observer, Protocol):
    """An observer that also learns what is about to run, and how it ended."""

    def begin(self, plan: Plan, log: RunLog) -> None:
        """Handle the start of a run whose parameters are valid; `log` is filled while it goes on."""
        ...

    def ended(self, state: RunState, problems: Sequence[Problem]) -> None:
        """Handle the end of a run that has begun."""
        ...


class Followers:
    """A follower that passes everything on to the others."""

    def __init__(self, followers: Sequence[RunFollower], progress: Observer) -> None:
        self._followers = followers
        self._observers: list[Observer] = [progress, *followers]
        self._begun = False

    @contextmanager
    def following(self) -> Iterator[None]:
        """Tell the followers at the end of the block how the run in it ended, if it has begun."""
        try:
            yield
        except KeyboardInterrupt:
            self._end(RunState.INTERRUPTED)
            raise
        except BaseException as error:
            self._end(RunState.FAILED, problems_of_error(error))
            raise
        self._end(RunState.DONE)

    def begin(self, plan: Plan, log: RunLog) -> None:
        """Pass on the start of a run."""
        for follower in self._followers:
            follower.begin(plan, log)
        self._begun = True

    def started(self, steps: int) -> None:
        """Pass on the number of steps."""
        for observer in self._observers:
            observer.started(steps)

    def called(self, step: str, done: int, total: int) -> None:
        """Pass on the progress of a step."""
        for observer in self._observers:
            observer.called(step, done, total)

    def retried(self, call: str, retry: int, retries: int, message: str) -> None:
        """Pass on the failure of a call."""
        for observer in self._observers:
            observer.retried(call, retry, retries, message)

    def finished(self, record: StepRecord) -> None:
        """Pass on the end of a step."""
        for observer in self._observers:
            observer.finished(record)

    def _end(self, state: RunState, problems: Sequence[Problem] = ()) -> None:
        if self._begun:
            for follower in self._followers:
                follower.ended(state, problems)


def problems_of_error(error: BaseException) -> tuple[Problem, ...]:
    """Return the problems of an error; one that nobody expected is a bug."""
    if isinstance(error, WorkflowError):
        return error.problems
    return (Problem(code="FL004", message=f"{type(error).__name__}: {error}"),)
