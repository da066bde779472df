"""Names in generated code: each is free when it is given, and none shadows an import or a builtin."""

import builtins
import keyword
import re


class Identifiers:
    """Gives out names, never one twice."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = set(taken)

    def local(self, wish: str) -> str:
        """Return a lower case name that looks like the wish; `_`, `_2` and so on make it free."""
        base = re.sub(r"\W", "_", wish, flags=re.ASCII).lower().strip("_") or "value"
        base = f"value_{base}" if base[0].isdigit() else base
        return self.exact(f"{base}_" if _reserved(base) else base)

    def exact(self, wish: str) -> str:
        """Return the wish, or the wish with a number if it is taken."""
        name, number = wish, 1
        while name in self._taken:
            number += 1
            name = f"{wish}_{number}"
        self._taken.add(name)
        return name


def _reserved(name: str) -> bool:
    return keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name)
