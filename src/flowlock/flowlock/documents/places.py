"""Where the keys and values of a document are, by the keys and positions that lead to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from flowlock.errors import Location

KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The places of a document's keys and values, and the texts that its scalars were read from."""

    file: str = "recipe.yaml"
    keys: Mapping[KeyPath, Location] = field(default_factory=dict)
    values: Mapping[KeyPath, Location] = field(default_factory=dict)
    written: Mapping[KeyPath, str] = field(default_factory=dict)

    def value(self, path: KeyPath) -> Location:
        """Return where a value begins; without it, where the nearest key around it is."""
        return self.values[path] if path in self.values else self.key(path)

    def key(self, path: KeyPath) -> Location:
        """Return where a value's key is, or the nearest key around it."""
        while path and path not in self.keys:
            path = path[:-1]
        return self.keys.get(path, Location(file=self.file, line=1, column=1))
