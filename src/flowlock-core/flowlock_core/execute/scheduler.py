"""Running a plan: calls go to a pool as soon as their inputs are there, in plan order."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from flowlock_core.errors import WorkflowError
from flowlock_core.execute.call import Call, Failure, Outcome, failure_of
from flowlock_core.execute.context import Position, RunContext, written_twice
from flowlock_core.execute.held import fetched
from flowlock_core.execute.options import Options
from flowlock_core.execute.plan import Plan, PlannedStep, refs_in, resolved
from flowlock_core.execute.pool import Pool
from flowlock_core.execute.record import RunLog, Status, StepRecord
from flowlock_core.execute.schedule import Schedule
from flowlock_core.execute.step_calls import StepCalls
from flowlock_core.execute.step_state import Calls, StepState


class Opener(Protocol):
    """Turns steps into calls; what it makes of results is its own business."""

    def calls(self, number: int, step: PlannedStep, results: Mapping[str, Any], context: RunContext) -> Calls:
        """Return the calls of a step, all of whose inputs are among the results."""
        ...

    def value_of(self, result: Any) -> Any:
        """Return the value of a result."""
        ...

    def release(self, result: Any) -> None:
        """Release what is held for a result that no step needs any more."""
        ...


class PlainOpener:
    """Opens steps whose results are their values."""

    def __init__(self, options: Options, log: RunLog) -> None:
        self._options, self._log = options, log

    def calls(
        self, number: int, step: PlannedStep, results: Mapping[str, Any], context: RunContext
    ) -> StepCalls:
        """Return the calls of a step, with results where the plan refers to them."""
        return StepCalls(
            step,
            resolved(step.arguments, results),
            resolved(step.argvalues, results),
            number=number,
            options=self._options,
            log=self._log,
            context=context,
        )

    def value_of(self, result: Any) -> Any:
        """Return the result, fetched if it is held elsewhere."""
        return fetched(result)

    def release(self, result: Any) -> None:
        """Do nothing: nobody else holds it."""


def run_plan(plan: Plan, options: Options, pool: Pool, log: RunLog, opener: Opener | None = None) -> Any:
    """Run the steps of a plan and return its result; `log` is filled, also by a run that fails.

    Which failure is reported does not depend on the pool: every call that comes before it in the plan
    is executed, and the first failure in plan order is raised. With `keep_going`, all are.
    """
    run = _PlanRun(plan, options, pool, log, opener or PlainOpener(options, log))
    run.execute()
    return run.result()


class _PlanRun:
    """One run of a plan."""

    def __init__(self, plan: Plan, options: Options, pool: Pool, log: RunLog, opener: Opener) -> None:
        self._plan, self._options, self._pool, self._log = plan, options, pool, log
        self._opener = opener
        self._schedule = Schedule(plan, keep_going=options.keep_going)
        self._results: dict[str, Any] = {}
        self._states: dict[int, StepState] = {}
        self._taken = log.written
        self._labels: dict[Path, str] = {}
        # What the contexts of all calls have in common.
        self._context = RunContext(options.results, options.base, taken=self._taken)
        # Steps that have ended, the first that has not, those that wrote files, and those not reported yet.
        self._closed: set[int] = set()
        self._first_open = 0
        self._writers: set[int] = set()
        self._unreported: dict[int, StepState] = {}
        # Calls that run again if they fail, and how often they have.
        self._retryable: dict[Position, tuple[Call, int]] = {}
        # Calls that the pool has.
        self._submitted = 0

    def execute(self) -> None:
        """Run every call that can run."""
        pool, schedule = self._pool, self._schedule
        self._options.observer.started(len(self._plan.steps))
        window = pool.window
        while True:
            while self._submitted < window:
                position = schedule.take()
                if position is None:
                    break
                self._start(position)
            if not self._submitted:
                return
            ended = pool.take()
            self._submitted -= 1
            self._end(*ended)

    def result(self) -> Any:
        """Return the result of the workflow; a WorkflowError holds what failed."""
        for state in self._unreported.values():
            self._report(state)
        failures = self._failures()
        self._log.records += self._records({number for number, _ in failures})
        if failures:
            self._report_failed()
            raise _error_of(list(failures.values()))
        values = {step: self._opener.value_of(self._results[step]) for step in refs_in(self._plan.result)}
        return resolved(self._plan.result, values)

    def _start(self, position: Position) -> None:
        number, index = position
        state = self._states.get(number)
        if state is None:
            state = self._open(number)
            if state.finished >= state.count:
                if state.failed:
                    self._schedule.failed(position)
                self._close(number, state)
                return
        prepared = state.prepare(index)
        if not isinstance(prepared, Call):
            self._end(position, prepared)
            return
        if prepared.policy.retries:
            self._retryable[position] = (prepared, 0)
        self._submit(position, prepared)

    def _submit(self, position: Position, call: Call) -> None:
        outcome = self._pool.submit(position, call)
        if outcome is None:
            self._submitted += 1
        else:
            self._end(position, outcome)

    def _open(self, number: int) -> StepState:
        step = self._plan.steps[number]
        calls = self._opener.calls(number, step, self._results, self._context)
        state = StepState(calls)
        self._schedule.opened(number, state.open())
        self._states[number] = state
        return state

    def _end(self, position: Position, outcome: Outcome) -> None:
        if position in self._retryable and self._retried(position, outcome):
            return
        number, index = position
        state = self._states[number]
        if outcome.inputs:
            self._log.inputs_of.setdefault(self._plan.steps[number].id, set()).update(outcome.inputs)
        if outcome.written:
            outcome = self._joined(position, outcome)
        state.finish(index, outcome)
        if outcome.failure is not None:
            self._fail(position)
        count, finished = state.count, state.finished
        if count > 1:
            self._options.observer.called(self._plan.steps[number].id, finished, count)
        if finished == count:
            self._close(number, state)

    def _retried(self, position: Position, outcome: Outcome) -> bool:
        """Run a call again that has failed and may be retried; return whether it does."""
        call, retry = self._retryable.pop(position)
        retries = call.policy.retries
        if outcome.failure is None or not outcome.ran:
            return False
        if retry >= retries or position >= self._schedule.limit:
            return False
        retry += 1
        self._retryable[position] = (call, retry)
        problem = outcome.failure.problems[0]
        self._options.observer.retried(call.label, retry, retries, f"{problem.code} {problem.message}")
        self._submit(position, call._replace(delay=call.policy.pause(retry)))
        return True

    def _close(self, number: int, state: StepState) -> None:
        result = state.close()
        if not state.failed:
            self._results[self._plan.steps[number].id] = result
        for released in self._schedule.finished(number, ok=not state.failed):
            if self._plan.steps[released].id in self._results:
                self._opener.release(self._results.pop(self._plan.steps[released].id))
        self._closed.add(number)
        if number in self._writers or self._unreported:
            self._unreported[number] = state
            self._report_ended()
        else:
            self._report(state)

    def _report_ended(self) -> None:
        """Report the steps that have ended; a step that wrote files, when all earlier steps have ended.

        Until then an earlier step may turn out to have written the same file, and this one has failed then.
        """
        while self._first_open in self._closed:
            self._first_open += 1
        for number, state in list(self._unreported.items()):
            if number < self._first_open or number not in self._writers:
                del self._unreported[number]
                self._report(state)

    def _report(self, state: StepState) -> None:
        if self._options.keep_going or not state.failed:
            self._options.observer.finished(state.record())

    def _report_failed(self) -> None:
        """Report the steps that were not reported when they ended."""
        for record in self._log.records:
            if record.status is Status.NOT_RUN or (
                record.status is Status.FAILED and not self._options.keep_going
            ):
                self._options.observer.finished(record)

    def _fail(self, position: Position) -> None:
        self._schedule.failed(position)
        if not self._options.keep_going:
            self._submitted -= self._pool.withdraw(self._schedule.limit)

    def _joined(self, position: Position, outcome: Outcome) -> Outcome:
        """Note the files of a call; of two that wrote the same file, the later one in the plan has failed.

        Calls that came after the first one had ended were refused already, before they wrote.
        """
        for path in outcome.written:
            writer = self._taken.get(path)
            if writer is not None and writer < position:
                return outcome._replace(failure=self._wrote_twice(path, position, outcome.label))
            if writer is not None:
                number, index = writer
                self._states[number].failures[index] = self._wrote_twice(path, writer, self._labels[path])
                self._fail(writer)
            self._taken[path] = position
            self._writers.add(position[0])
            self._labels[path] = outcome.label
        return outcome

    def _wrote_twice(self, path: Path, position: Position, label: str) -> Failure:
        step = self._plan.steps[position[0]]
        name = path.relative_to(self._options.results).as_posix()
        return failure_of(written_twice(name), step.id, label, step.task, {})

    def _failures(self) -> dict[Position, Failure]:
        """Return what failed, in plan order; only the first of it if the run was to stop there."""
        failures = {
            (number, index): state.failures[index]
            for number, state in sorted(self._states.items())
            if state.failures
            for index in sorted(state.failures)
        }
        if failures and not self._options.keep_going:
            first = next(iter(failures))
            return {first: failures[first]}
        return failures

    def _records(self, failed: set[int]) -> Iterator[StepRecord]:
        """Yield the records in plan order, up to the step at which the run stopped."""
        keep_going = self._options.keep_going
        not_run = {follower for number in failed for follower in self._schedule.followers(number)}
        for number, step in enumerate(self._plan.steps):
            if number in not_run:
                yield StepRecord(id=step.id, task=step.task.name, status=Status.NOT_RUN, seconds=0.0, calls=0)
                continue
            yield self._states[number].record(up_to_failure=not keep_going)
            if number in failed and not keep_going:
                return


def _error_of(failures: Sequence[Failure]) -> WorkflowError:
    if len(failures) == 1:
        return failures[0].as_error()
    problems = [problem for failure in failures for problem in failure.problems]
    return WorkflowError(f"{len(failures)} calls failed", problems=problems)
