"""What one call gave, as it is kept under the call's key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowlock_core.store.errors import DamagedError
from flowlock_core.store.stored_value import StoredValue


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenFile:
    """A file that a call has written: its name in the results folder, the sha256 of its contents."""

    name: str
    object: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What one call gave. If it wrote files, it is good for the results `folder` that they were written to.

    (The result of a task that writes a file is its path.)
    """

    label: str
    result: StoredValue
    folder: str = ""
    written: tuple[WrittenFile, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "label": self.label,
            "result": self.result.as_json(),
            "folder": self.folder,
            "written": [{"name": file.name, "object": file.object} for file in self.written],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Entry":
        """Read it back; DamagedError if it is not of this form."""
        try:
            written = [
                WrittenFile(name=str(file["name"]), object=str(file["object"]))
                for file in document["written"]
            ]
            return cls(
                label=str(document["label"]),
                result=StoredValue.from_json(document["result"]),
                folder=str(document["folder"]),
                written=tuple(written),
            )
        except (KeyError, TypeError) as error:
            raise DamagedError("its entry cannot be read") from error

    def objects(self) -> Iterator[str]:
        """Yield the names of the objects that it needs."""
        yield from self.result.objects()
        yield from (file.object for file in self.written)
