"""What a workflow function is written against: the port that running and tracing implement."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from flowlock_core.task import Task


class Step(Protocol):
    """One step in the making: arguments and skip conditions, then one of call, map and mapvalues."""

    def partial(self, **arguments: Any) -> "Step":
        """Give the same arguments to every call of the task."""
        ...

    def skipif(self, conditions: Sequence[Task[..., Any]], *, unpack_depth: int = 1) -> "Step":
        """Skip a call when one of the conditions holds for its arguments.

        A condition is given the values of the arguments; with an `unpack_depth` of 2 or more, lists among
        them are replaced by their items, one level for each beyond 1.
        """
        ...

    def policy(
        self, *, retries: int = 0, backoff: float = 1.0, timeout: float | None = None, cache: bool = True
    ) -> "Step":
        """Set how each call is executed: retries of a failed one, time limit, whether its result is kept.

        The times are in seconds: `backoff` before the first retry, twice as many before the next.
        """
        ...

    def call(self) -> Any:
        """Run the task once."""
        ...

    def map(self, argnames: str | Sequence[str], argvalues: Any) -> Any:
        """Run the task once an element and give the list of results."""
        ...

    def mapvalues(self, argnames: str | Sequence[str], argvalues: Any) -> Any:
        """Run the task once a (key, value) pair and give the list of (key, result) pairs."""
        ...


class Steps(Protocol):
    """Begins a step: a task and the step's id."""

    def __call__(self, task: Task[..., Any], id: str, /) -> Step:  # noqa: A002 - the spec's word
        """Begin a step."""
        ...


Workflow: TypeAlias = Callable[[Steps], Any]
