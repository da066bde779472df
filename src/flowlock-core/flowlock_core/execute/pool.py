"""The port of the scheduler: what executes calls, one at a time or many."""

from typing import Protocol

from flowlock_core.execute.call import Call, Outcome
from flowlock_core.execute.context import Position


class Pool(Protocol):
    """Executes calls, one or many at a time; they end in any order."""

    @property
    def window(self) -> int:
        """How many calls it should have at a time, with those that wait."""
        ...

    def submit(self, position: Position, call: Call, /) -> Outcome | None:
        """Execute a call now and return its outcome, or when it is its turn: then `take` gives it back."""
        ...

    def take(self) -> tuple[Position, Outcome]:
        """Wait for a call that has ended, and take it back."""
        ...

    def withdraw(self, limit: Position, /) -> int:
        """Forget the calls at and behind a position that have not begun; return how many."""
        ...
