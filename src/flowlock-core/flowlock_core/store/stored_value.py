"""What is kept of a result: its digest, and in which files and formats it lies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from flowlock_core.store.errors import DamagedError


class Format(Enum):
    """How a value is kept."""

    # The marker of a skipped call; there is no file.
    SKIPPED = "skipped"
    # JSON that tells tuples from lists.
    PLAIN = "plain"
    # A file of Arrow, for tables that come back from it as they were.
    ARROW = "arrow"
    PICKLE = "pickle"
    # Not a file: the items are kept one by one.
    LIST = "list"
    TUPLE = "tuple"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredValue:
    """A cached value: `digest` identifies it, `object` is the sha256 of the file that contains it."""

    digest: str
    format: Format
    object: str = ""
    size: int = 0
    items: tuple["StoredValue", ...] = ()

    def objects(self) -> Iterator[str]:
        """Yield the names of all files that hold a part of the value."""
        if self.object:
            yield self.object
        for item in self.items:
            yield from item.objects()

    def total_size(self) -> int:
        """Return the bytes of the files that hold the value."""
        return self.size + sum(item.total_size() for item in self.items)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        document: dict[str, Any] = {"digest": self.digest, "format": self.format.value}
        if self.object:
            document |= {"object": self.object, "size": self.size}
        if self.format in (Format.LIST, Format.TUPLE):
            document["items"] = [item.as_json() for item in self.items]
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "StoredValue":
        """Read it back; DamagedError if it is not of this form."""
        try:
            return cls(
                digest=str(document["digest"]),
                format=Format(document["format"]),
                object=str(document.get("object", "")),
                size=int(document.get("size", 0)),
                items=tuple(cls.from_json(item) for item in document.get("items", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DamagedError(f"the record of a result cannot be read: {error}") from error
