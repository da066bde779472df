"""The trace of a run: a span for the run, one for each step, and one for each element of a map."""

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import Problem
from flowlock_core.execute import Plan, RunLog, Status, StepRecord
from flowlock_core.execute.call import Call, Outcome
from flowlock_core.execute.context import Position
from flowlock_core.execute.pool import Pool
from flowlock_core.execute.record import Unobserved
from flowlock_core.masking import masked
from flowlock_core.runs.exporters import PARENT, provider_of
from flowlock_core.runs.followers import RunState

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_NANOSECONDS = 1_000_000_000
_STATE = "TRACESTATE"


class RunTrace(Unobserved):
    """A follower that makes the spans of a run, without secrets.

    What failed is known at the end, when its texts have been masked: until then, spans of it stay open.
    """

    def __init__(self, run: str, workflow: str) -> None:
        self._ids = {"flowlock.run.id": run, "flowlock.workflow": workflow}
        self._workflow = workflow
        provider, self._own = provider_of(workflow)
        self._tracer = provider.get_tracer("flowlock_core")
        self._run: Span | None = None
        self._steps: dict[str, Span] = {}
        # By the labels of steps and calls: their spans, and when they ended.
        self._failed: dict[str, tuple[Span, int]] = {}

    def begin(self, plan: Plan, _log: RunLog) -> None:
        """Start the span of the run, below the one that TRACEPARENT names."""
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {name.lower(): os.environ.get(name, "") for name in (PARENT, _STATE)}
        parent = TraceContextTextMapPropagator().extract(carrier)
        attributes: dict[str, str | int] = {**self._ids, "flowlock.steps": len(plan.steps)}
        self._run = self._tracer.start_span(f"run {self._workflow}", context=parent, attributes=attributes)

    def retried(self, call: str, retry: int, retries: int, _message: str) -> None:
        """Add it to the span of the step; the message is not masked as those of the run's end are."""
        attributes: dict[str, str | int] = {
            "flowlock.call": call,
            "flowlock.retry": retry,
            "flowlock.retries": retries,
        }
        self.step(call.partition("[")[0]).add_event("retry", attributes)

    def finished(self, record: StepRecord) -> None:
        """End the span of a step; one that has not been started took as long as its record says."""
        if record.status is Status.NOT_RUN:
            return
        end = time.time_ns()
        span = self.step(record.id, start=end - int(record.seconds * _NANOSECONDS))
        span.set_attribute("flowlock.task", record.task)
        span.set_attribute("flowlock.status", record.status.value)
        for name in ("calls", "skipped", "reused"):
            span.set_attribute(f"flowlock.{name}", getattr(record, name))
        del self._steps[record.id]
        if record.status is Status.FAILED:
            self._failed[record.id] = (span, end)
        else:
            span.end(end)

    def ended(self, state: RunState, problems: Sequence[Problem]) -> None:
        """End all spans, with what went wrong, and send them."""
        end = time.time_ns()
        spans = {**self._failed, **{step: (span, end) for step, span in self._steps.items()}}
        by_label: dict[str, list[Problem]] = {}
        for problem in problems:
            label = problem.step or ""
            for name in dict.fromkeys((label, label.partition("[")[0])):
                by_label.setdefault(name, []).append(problem)
        for label, (span, ended) in spans.items():
            _fail(span, by_label.get(label, ()), state)
            span.end(ended)
        if self._run is not None:
            self._run.set_attribute("flowlock.state", state.value)
            if state is not RunState.DONE:
                _fail(self._run, problems, state)
            self._run.end(end)
        if self._own is not None:
            self._own.shutdown()

    def step(self, step: str, *, start: int | None = None) -> "Span":
        """Return the open span of a step, which starts now if it has not, or at the time."""
        span = self._steps.get(step)
        if span is None:
            span = self.child(step, self._run, start=start, attributes={"flowlock.step": step})
            self._steps[step] = span
        return span

    def child(
        self, name: str, parent: "Span | None", *, attributes: dict[str, Any], start: int | None = None
    ) -> "Span":
        """Start a span below another."""
        from opentelemetry.trace import set_span_in_context

        context = None if parent is None else set_span_in_context(parent)
        attributes = {**self._ids, **attributes}
        return self._tracer.start_span(name, context=context, attributes=attributes, start_time=start)

    def close(self, label: str, span: "Span", outcome: Outcome) -> None:
        """End the span of an element, or keep it until it is known why the element failed."""
        if outcome.failure is None:
            span.end()
        else:
            self._failed[label] = (span, time.time_ns())

    def traced(self, pool: Pool) -> Pool:
        """Return a pool whose calls have spans."""
        return TracedPool(pool, self)


class TracedPool:
    """A pool that opens the span of a call when the call is submitted, and closes it when it has ended.

    In the thread of the scheduler, the span is the current one while the task runs.
    """

    def __init__(self, pool: Pool, trace: RunTrace) -> None:
        self._pool, self._trace = pool, trace
        self._open: dict[Position, tuple[str, Span]] = {}

    @property
    def window(self) -> int:
        """The window of the pool."""
        return self._pool.window

    def submit(self, position: Position, call: Call, /) -> Outcome | None:
        """Open the span of a call, and submit it."""
        from opentelemetry.trace import use_span

        span = self._trace.step(call.step)
        if call.element:
            attributes = {"flowlock.step": call.step, "flowlock.element": call.element}
            span = self._trace.child(call.label, span, attributes=attributes)
            self._open[position] = (call.label, span)
        with use_span(span, record_exception=False, set_status_on_exception=False):
            outcome = self._pool.submit(position, call)
        if outcome is not None:
            self._close(position, outcome)
        return outcome

    def take(self) -> tuple[Position, Outcome]:
        """Take a call back, and close its span."""
        position, outcome = self._pool.take()
        self._close(position, outcome)
        return position, outcome

    def withdraw(self, limit: Position, /) -> int:
        """Withdraw calls, whose spans are dropped."""
        return self._pool.withdraw(limit)

    def _close(self, position: Position, outcome: Outcome) -> None:
        if position in self._open:
            label, span = self._open.pop(position)
            self._trace.close(label, span, outcome)


def _fail(span: "Span", problems: Sequence[Problem], state: RunState) -> None:
    """Set the status of a span, and record the problems as its exceptions."""
    from opentelemetry.trace import StatusCode

    reason = f"{problems[0].code} {problems[0].message}" if problems else state.value
    span.set_status(StatusCode.ERROR, masked(reason))
    for problem in problems:
        attributes = {"exception.type": problem.code, "exception.message": masked(problem.message)}
        if problem.detail:
            attributes["exception.stacktrace"] = masked(problem.detail)
        span.add_event("exception", attributes)
