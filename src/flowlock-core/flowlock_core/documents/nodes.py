"""A tree of values with their line and column, and the problems of the text behind it."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, NoReturn, TypeAlias

from flowlock_core.documents.scalars import Plain
from flowlock_core.errors import Location

MAX_TEXT = 8_000_000
MAX_SCALAR = 1_000_000
MAX_DEPTH = 64
MAX_VALUES = 200_000
SHOWN = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How large a text may be; the values of an alias count each time that it is used."""

    characters: int = MAX_TEXT
    values: int = MAX_VALUES


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar's value and the text it was read from."""

    value: Plain
    text: str
    at: Location


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: "tuple[Node, ...]"
    at: Location


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping with text keys, in the order of the text; of a key given twice the first value counts."""

    entries: "tuple[tuple[Scalar, Node], ...]"
    at: Location


Node: TypeAlias = Scalar | Items | Mapping


class FaultKind(Enum):
    """What can be wrong with a text, whatever the text is for."""

    SYNTAX = "syntax"
    REPEATED_KEY = "repeated key"
    VALUE = "value"
    DOCUMENTS = "documents"
    SIZE = "size"
    CHARACTER = "character"
    KEY = "key"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that is wrong with a text, before anybody asks what the text is for."""

    kind: FaultKind
    message: str
    location: Location
    hint: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """A text as it could be read: no root if it is empty or cannot be read, and every fault.

    `end` is where the root ends, and something could be added.
    """

    root: Node | None
    end: Location
    faults: tuple[Fault, ...] = ()


class UnreadableError(Exception):
    """The rest of a text cannot be read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def stop(kind: FaultKind, message: str, location: Location, hint: str | None = None) -> NoReturn:
    """End the reading of a text."""
    raise UnreadableError(Fault(kind=kind, message=message, location=location, hint=hint))


def start_of(file: str) -> Location:
    """Return the first place in a file."""
    return Location(file=file, line=1, column=1)


def unreadable(fault: Fault, *others: Fault) -> Tree:
    """Return the tree of a text that cannot be read."""
    return Tree(root=None, end=start_of(fault.location.file), faults=(*others, fault))


def require_bounded(text: str, file: str, most: int = MAX_TEXT) -> None:
    """Raise an UnreadableError if a text is longer than any that people write."""
    if len(text) > most:
        message = f"the file has {len(text):,} characters; the maximum is {most:,}"
        stop(FaultKind.SIZE, message, start_of(file))


def require_short(value: str, location: Location) -> None:
    """Raise an UnreadableError if one scalar is longer than any that people write."""
    if len(value) > MAX_SCALAR:
        stop(FaultKind.SIZE, f"a string of {len(value):,} characters is too long", location)


def repeated_key(key: Scalar, first: Location) -> Fault:
    """Return the fault of a key that its mapping holds already."""
    return Fault(
        kind=FaultKind.REPEATED_KEY,
        message=f"the key `{shown(key.text)}` is given twice",
        location=key.at,
        hint=f"the first is on line {first.line}; keep one of them",
    )


def value_of(node: Node | None) -> Any:
    """Return a tree as plain values: texts, numbers, lists, dictionaries."""
    match node:
        case None:
            return None
        case Scalar():
            return node.value
        case Items():
            return [value_of(item) for item in node.items]
        case Mapping():
            return {str(key.value): value_of(item) for key, item in node.entries}


def shown(text: str) -> str:
    """Return a text from a file so that it fits into a message of one line."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= SHOWN else line[: SHOWN - 3] + "..."
