"""The nearest valid name, for the first of many mistakes."""

from collections.abc import Callable, Sequence

from flowlock.errors import nearest

MOST = 40


class Hints:
    """Looks up near names for one check.

    A comparison with a thousand names takes some 10 ms, and so does a look into all modules. Only the first
    mistakes get one: who has more of them has one cause for all.
    """

    def __init__(self) -> None:
        self._left = MOST

    def near(self, name: str, names: Sequence[str]) -> str | None:
        """Return a 'did you mean', if a known name is close and there were not too many of them."""
        return nearest(name, names) if self._take() else None

    def of_task(self, name: str, names: Sequence[str], registration: Callable[[str], str | None]) -> str:
        """Return how a function of this name is registered, else what `near` does, else where tasks are."""
        found = (registration(name) or nearest(name, names)) if self._take() else None
        return found or "`flowlock tasks` lists all tasks"

    def _take(self) -> bool:
        self._left -= 1
        return self._left >= 0
