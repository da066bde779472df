"""Eager execution: every step runs at once, where the workflow function names it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flowlock_core.execute.call import Call, Outcome, run_call
from flowlock_core.execute.context import RunContext
from flowlock_core.execute.options import Options
from flowlock_core.execute.plan import Method, PlannedStep
from flowlock_core.execute.policy import Policy
from flowlock_core.execute.protocol import Workflow
from flowlock_core.execute.record import RunLog, StepRecord
from flowlock_core.execute.step_calls import StepCalls
from flowlock_core.execute.step_state import StepState
from flowlock_core.task import Task, argument_names


class Run:
    """Steps that execute at once; a debugger sees results in the variables of the workflow function.

    What the other executors do is what this one does: tests compare them with it.
    """

    def __init__(self, options: Options, log: RunLog | None = None) -> None:
        self.options = options
        self.log = log or RunLog()
        self._taken = self.log.written
        self._context = RunContext(options.results, options.base, taken=self._taken)

    @property
    def records(self) -> list[StepRecord]:
        """What happened in each step."""
        return self.log.records

    @classmethod
    def of(cls, main: Workflow, options: Options) -> "tuple[Any, Run]":
        """Run a whole workflow; return its result, and the run."""
        run = cls(options)
        return main(run), run

    def __call__(self, task: Task[..., Any], step_id: str, /) -> "RunStep":
        """Begin a step with its parameters from the file."""
        return RunStep(run=self, planned=PlannedStep(id=step_id, task=task, arguments=dict(task.arguments)))

    def execute(self, step: PlannedStep) -> Any:
        """Run the calls of a step one after the other and return its result."""
        calls = StepCalls(
            step,
            step.arguments,
            step.argvalues,
            number=len(self.records),
            options=self.options,
            log=self.log,
            context=self._context,
        )
        state = StepState(calls)
        try:
            self._run_calls(state, state.open())
            if not state.failed:
                return state.close()
        finally:
            record = state.record(up_to_failure=True)
            self.records.append(record)
            self.options.observer.finished(record)
        failure = state.failures[min(state.failures)]
        raise failure.as_error() from failure.error

    def _run_calls(self, state: StepState, count: int) -> None:
        number = len(self.records)
        for index in range(count):
            prepared = state.prepare(index)
            outcome = self._outcome_of(prepared) if isinstance(prepared, Call) else prepared
            self._taken.update(dict.fromkeys(outcome.written, (number, index)))
            state.finish(index, outcome)
            if state.failed:
                return

    def _outcome_of(self, call: Call) -> Outcome:
        """Run a call, and again as often as its policy says while it fails."""
        outcome = run_call(call)
        retry = 0
        while outcome.failure is not None and retry < call.policy.retries:
            retry += 1
            problem = outcome.failure.problems[0]
            message = f"{problem.code} {problem.message}"
            self.options.observer.retried(call.label, retry, call.policy.retries, message)
            outcome = run_call(call._replace(delay=call.policy.pause(retry)))
        return outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStep:
    """A step in the making; call, map and mapvalues execute it."""

    run: Run
    planned: PlannedStep

    def partial(self, **arguments: Any) -> "RunStep":
        """Add arguments; the parameters file cannot replace them."""
        planned = replace(self.planned, arguments={**self.planned.arguments, **arguments})
        return replace(self, planned=planned)

    def skipif(self, conditions: Sequence[Task[..., Any]], *, unpack_depth: int = 1) -> "RunStep":
        """Set the conditions under which a call is skipped."""
        planned = replace(self.planned, conditions=tuple(conditions), unpack_depth=unpack_depth)
        return replace(self, planned=planned)

    def policy(self, **settings: Any) -> "RunStep":
        """Set how the calls are executed; a time limit is not applied, since a debugger stops at will."""
        return replace(self, planned=replace(self.planned, policy=Policy(**settings)))

    def call(self) -> Any:
        """Run the task and return its result, or SKIPPED."""
        return self.run.execute(self.planned)

    def map(self, argnames: str | Sequence[str], argvalues: Any) -> Any:
        """Run the task once an element."""
        return self._mapped(Method.MAP, argnames, argvalues)

    def mapvalues(self, argnames: str | Sequence[str], argvalues: Any) -> Any:
        """Run the task once a (key, value) pair and keep the keys."""
        return self._mapped(Method.MAPVALUES, argnames, argvalues)

    def _mapped(self, method: Method, argnames: str | Sequence[str], argvalues: Any) -> Any:
        names = argument_names(argnames)
        return self.run.execute(replace(self.planned, method=method, argnames=names, argvalues=argvalues))
