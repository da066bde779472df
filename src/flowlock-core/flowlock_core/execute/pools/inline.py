"""One call at a time, in the thread of the scheduler."""

from flowlock_core.execute.call import Call, Outcome, run_call
from flowlock_core.execute.context import Position


class InlinePool:
    """A pool that executes a call when it is submitted."""

    window = 1

    def __init__(self) -> None:
        self._ended: list[tuple[Position, Outcome]] = []

    def submit(self, position: Position, call: Call) -> None:
        """Execute a call."""
        self._ended.append((position, run_call(call)))

    def take(self) -> tuple[Position, Outcome]:
        """Return the call that was submitted last."""
        return self._ended.pop()

    def withdraw(self, limit: Position) -> int:  # noqa: ARG002 - no call waits
        """Do nothing: no call waits."""
        return 0
