"""The state of a step: the results of its calls, skipped and failed calls, and its record."""

from functools import partial
from time import perf_counter
from typing import Any, Protocol

from flowlock_core.execute.call import Call, Failure, Outcome, prepared_or_failed
from flowlock_core.execute.plan import PlannedStep
from flowlock_core.execute.record import Status, StepRecord

_NOT_FINISHED = object()


class Calls(Protocol):
    """The calls of a step: how many, one by one, and what becomes of what they give."""

    @property
    def step(self) -> PlannedStep:
        """The step."""
        ...

    @property
    def count(self) -> int:
        """How many calls there are, once they are open."""
        ...

    @property
    def mocked(self) -> bool:
        """Whether a file stands for what the step gives."""
        ...

    @property
    def explanation(self) -> str:
        """Why the step ran or did not."""
        ...

    def open(self) -> None:
        """Find out how many calls there are."""
        ...

    def prepare(self, index: int) -> Call | Outcome:
        """Return a call, or its outcome if there is nothing to run."""
        ...

    def failed(self, error: BaseException) -> Failure:
        """Return the failure of a call that could not be prepared."""
        ...

    def kept(self, index: int, outcome: Outcome, /) -> Any:
        """Return what is held of the outcome of a call."""
        ...

    def gather(self, results: list[Any]) -> Any:
        """Return the result of the step from what is held of its calls."""
        ...


class StepState:
    """A step that has begun; its calls end in any order."""

    def __init__(self, calls: Calls) -> None:
        self.count = 1
        self.finished = 0
        self.failures: dict[int, Failure] = {}
        self._calls: Calls | None = calls
        self._id, self._task = calls.step.id, calls.step.task.name
        self._mocked = False
        self._results: list[Any] = []
        self._skipped: set[int] = set()
        self._reused: set[int] = set()
        self._started = perf_counter()
        self._record: StepRecord | None = None

    @property
    def failed(self) -> bool:
        """Whether a call has failed."""
        return bool(self.failures)

    def open(self) -> int:
        """Return how many calls there are; where that cannot be known, the first one has failed."""
        calls = self._running()
        try:
            calls.open()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is the step's failure
            self._results = [_NOT_FINISHED]
            self.finish(0, Outcome(failure=calls.failed(error)))
            return 0
        self.count = calls.count
        self._mocked = calls.mocked
        self._results = [_NOT_FINISHED] * calls.count
        return calls.count

    def prepare(self, index: int) -> Call | Outcome:
        """Return a call, or its outcome if nothing runs because it is skipped, mocked or wrong."""
        calls = self._running()
        return prepared_or_failed(partial(calls.prepare, index), calls.failed)

    def finish(self, index: int, outcome: Outcome) -> None:
        """Keep what a call gave."""
        self.finished += 1
        if outcome.failure is not None:
            self.failures[index] = outcome.failure
            return
        calls = self._running()
        self._results[index] = calls.kept(index, outcome)
        if outcome.reused:
            self._reused.add(index)
        elif not (outcome.ran or self._mocked):
            self._skipped.add(index)

    def close(self) -> Any:
        """Return the result of the step, all of whose calls have succeeded; its inputs are released."""
        result = None if self.failed else self._running().gather(self._results)
        self._record = self._made_record(self.count)
        self._calls = None
        if not self.failed:
            # How many there were is all that a record needs.
            self._results = []
        return result

    def record(self, *, up_to_failure: bool = False) -> StepRecord:
        """Return what happened; with `up_to_failure`, calls after the first that failed do not count."""
        if not self.failures and self._record is not None:
            return self._record
        return self._made_record(min(self.failures) if self.failures and up_to_failure else self.count)

    def _made_record(self, end: int) -> StepRecord:
        skipped = _count_before(end, self._skipped)
        reused = _count_before(end, self._reused)
        done = self._ended_well(end) - skipped - reused
        return StepRecord(
            id=self._id,
            task=self._task,
            status=self._status(skipped, reused, done),
            seconds=perf_counter() - self._started if self._record is None else self._record.seconds,
            calls=0 if self._mocked else done,
            skipped=skipped,
            reused=reused,
            explanation="" if self._calls is None else self._calls.explanation,
        )

    def _ended_well(self, end: int) -> int:
        if not self.failed or not self._results:
            return min(self.finished, end)
        ended = [index for index, result in enumerate(self._results[:end]) if result is not _NOT_FINISHED]
        return len([index for index in ended if index not in self.failures])

    def _status(self, skipped: int, reused: int, done: int) -> Status:
        if self.failed:
            return Status.FAILED
        if self._mocked:
            return Status.MOCKED
        if reused and not done:
            return Status.REUSED
        return Status.SKIPPED if skipped and not done else Status.DONE

    def _running(self) -> Calls:
        if self._calls is None:
            raise RuntimeError(f"the step {self._id} has ended")
        return self._calls


def _count_before(end: int, indices: set[int]) -> int:
    return len([index for index in indices if index < end]) if indices else 0
