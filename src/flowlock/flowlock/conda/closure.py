"""What something needs, directly or not. Pure."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def closure(start: Iterable[Node], needs: Callable[[Node], Iterable[Node]]) -> list[Node]:
    """Return the nodes and all that they need, nearest first and each once; circles do no harm."""
    reached = dict.fromkeys(start)
    pending = deque(reached)
    while pending:
        for node in needs(pending.popleft()):
            if node not in reached:
                reached[node] = None
                pending.append(node)
    return list(reached)
