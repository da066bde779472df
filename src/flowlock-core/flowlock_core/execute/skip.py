"""Skipping: the value that a skipped call gives, and when a call is skipped."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from flowlock_core.refusals.sentences import SKIPPED_PHRASE
from flowlock_core.task import Task
from flowlock_core.types import Wired


class Skipped(Wired):
    """What a skipped call gives instead of a result; there is one, `SKIPPED`, and it counts as false."""

    __slots__ = ()
    phrase: ClassVar[str] = SKIPPED_PHRASE

    def __repr__(self) -> str:
        return "SKIPPED"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        """Pickle the name: the marker is compared by identity."""
        return "SKIPPED"


SKIPPED = Skipped()


def holds(
    conditions: Sequence[Task[..., Any]], values: Iterable[Any], unpack_depth: int
) -> Task[..., Any] | None:
    """Return the first condition that holds for the values of a call's arguments, if one does."""
    unpacked = list(values)
    for _ in range(unpack_depth - 1):
        unpacked = [
            item for value in unpacked for item in (value if isinstance(value, list | tuple) else [value])
        ]
    for condition in conditions:
        if condition.func(*unpacked):
            return condition
    return None
