"""What happened in a run: a record for each step, which files it named, which mocks stood in."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from flowlock_core.connections import MOCKED
from flowlock_core.execute.context import Position
from flowlock_core.execute.mocks import Mock


class Status(Enum):
    """How a step ended."""

    DONE = "done"
    MOCKED = "mocked"
    SKIPPED = "skipped"
    REUSED = "reused"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepRecord:
    """What happened in one step; `calls` is how often the task ran, `skipped` how often it did not.

    `reused` counts the calls whose results an earlier run gave, `explanation` says why the step ran or not.
    """

    id: str
    task: str
    status: Status
    seconds: float
    calls: int = 1
    skipped: int = 0
    reused: int = 0
    explanation: str = ""


class Observer(Protocol):
    """Who follows a run while it goes on."""

    def started(self, steps: int) -> None:
        """Handle the start of a run with this number of steps."""
        ...

    def called(self, step: str, done: int, total: int) -> None:
        """Handle the progress of a step: how many of its calls have ended."""
        ...

    def retried(self, call: str, retry: int, retries: int, message: str) -> None:
        """Handle the failure of a call that runs again: which retry it is, of how many, and why."""
        ...

    def finished(self, record: StepRecord) -> None:
        """Handle the end of a step."""
        ...


class Unobserved:
    """An observer that does nothing."""

    def started(self, steps: int) -> None:
        """Ignore it."""

    def called(self, step: str, done: int, total: int) -> None:
        """Ignore it."""

    def retried(self, call: str, retry: int, retries: int, message: str) -> None:
        """Ignore it."""

    def finished(self, record: StepRecord) -> None:
        """Ignore it."""


@dataclass(kw_only=True, slots=True)
class RunLog:
    """What a run has done: `records` in plan order, `inputs_of` the files that each step named.

    `mocks` are the files that stood for results, `written` those that calls wrote.
    """

    records: list[StepRecord] = field(default_factory=list)
    inputs_of: dict[str, set[Path]] = field(default_factory=dict)
    mocks: dict[str, Mock] = field(default_factory=dict)
    written: dict[Path, Position] = field(default_factory=dict)

    @property
    def inputs(self) -> set[Path]:
        """The files that the run's parameters named."""
        return set().union(*self.inputs_of.values())

    def validation(self, step: str, base: Path | None, *, mock_io: bool) -> dict[str, Any]:
        """Return what the arguments of a step are checked with."""
        return {"base": base, "inputs": self.inputs_of.setdefault(step, set()), MOCKED: mock_io}
