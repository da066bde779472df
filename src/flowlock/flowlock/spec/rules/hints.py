"""The nearest valid name, for the first of many mistakes."""

from collections.abc import Sequence

from flowlock.errors import nearest

MOST = 40


class Hints:
    """Looks up near names for one check.

    A comparison with a thousand names takes some 10 ms, so only the first mistakes get one: who has more of
    them has one cause for all.
    """

    def __init__(self) -> None:
        self._left = MOST

    def near(self, name: str, names: Sequence[str]) -> str | None:
        """Return a 'did you mean', if a known name is close and there were not too many of them."""
        if self._left == 0:
            return None
        self._left -= 1
        return nearest(name, names)
