"""Why a call has failed whose values, or whose process, were lost on the way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowlock_core.errors import Problem
from flowlock_core.execute.call import Call, Failure, Outcome, label_of
from flowlock_core.execute.pools.messages import PassingError, packed


@dataclass(frozen=True, kw_only=True, slots=True)
class NotPassed:
    """A value that cannot be passed between processes: which one, why, and of which parameter it is."""

    value: str
    reason: str
    parameter: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CallName:
    """What problems say of a call: its step, the element of a map, its task, and whether it has a limit."""

    step: str
    element: str
    task: str
    limited: bool

    @property
    def label(self) -> str:
        """What problems call it."""
        return label_of(self.step, self.element)

    def failed(self, problem: Problem) -> Outcome:
        """Return the outcome of the call that has failed with a problem."""
        message = f"the step `{self.step}` failed"
        return Outcome(failure=Failure(message=message, problems=(problem,), error=None), label=self.label)

    def not_passed(self, value: NotPassed) -> Outcome:
        """Return the outcome of the call, one of whose values cannot be passed between processes."""
        # A step with a time limit is executed in another process by every executor.
        other = "remove the `timeout` of the step" if self.limited else "run with `--executor threads`"
        return self.failed(
            Problem(
                code="FL757",
                message=f"{value.value} cannot be passed between processes: {value.reason}",
                step=self.label,
                parameter=value.parameter,
                hint=f"let the task {self.task} take and give values that can be pickled, such as tables, or "
                f"{other}",
            )
        )


def name_of(call: Call) -> CallName:
    """Return what problems say of a call."""
    limited = call.timeout is not None
    return CallName(step=call.step, element=call.element, task=call.task.name, limited=limited)


def unpackable(values: Mapping[str, Any], error: PassingError) -> NotPassed:
    """Return which of the values of a call cannot be pickled, or else that it is its task.

    All are pickled at once: which one is the cause shows only one by one.
    """
    for name, value in values.items():
        try:
            packed(value)
        except PassingError as cause:
            return NotPassed(value=f"the value, {in_words(value)},", reason=str(cause), parameter=name)
    return NotPassed(value="the task", reason=str(error))


def in_words(value: Any) -> str:
    """Return what kind of value it is: `a pandas.DataFrame`."""
    kind = type(value)
    return f"a {kind.__module__}.{kind.__qualname__}".replace("a builtins.", "a ")
