"""One call at a time, in the thread of the scheduler."""

from collections.abc import Callable

from flowlock_core.execute.call import Call, Outcome, run_call
from flowlock_core.execute.context import Position


class InlinePool:
    """A pool that executes a call when it is submitted."""

    window = 1

    def __init__(self, execute: Callable[[Call], Outcome] = run_call) -> None:
        self._execute = execute

    def submit(self, _position: Position, call: Call, /) -> Outcome:
        """Execute a call."""
        return self._execute(call)

    def take(self) -> tuple[Position, Outcome]:
        """Raise an error: no call is ever left to take."""
        raise RuntimeError("a call that was executed at once is not taken")

    def withdraw(self, _limit: Position, /) -> int:
        """Do nothing: no call waits."""
        return 0
