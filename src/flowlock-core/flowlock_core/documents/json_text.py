"""JSON text → a tree of values with their line and column."""

import json
import re
from typing import Any, NoReturn

from flowlock_core.documents.nodes import (
    MAX_DEPTH,
    MAX_TEXT,
    MAX_VALUES,
    Fault,
    FaultKind,
    Items,
    Mapping,
    Node,
    Scalar,
    Tree,
    UnreadableError,
    repeated_key,
    require_bounded,
    require_short,
    stop,
    unreadable,
)
from flowlock_core.documents.scalars import LONGEST_NUMBER, NumberError, Plain, finite
from flowlock_core.errors import Location

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(text: str, file: str) -> Tree:
    """Return the tree of a JSON text (RFC 8259), as far as it can be read, and all of its faults."""
    reader = _JsonReader(text, file)
    try:
        require_bounded(text, file)
        root = reader.value(0)
        end = reader.here()
        reader.skip_space()
        if reader.position < len(text):
            reader.refuse("the file must end after the value")
    except UnreadableError as error:
        return unreadable(error.fault, *reader.faults)
    return Tree(root=root, end=end, faults=tuple(reader.faults))


class _JsonReader:
    """Reads one value after another; what its grammar says is RFC 8259's."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.position = 0
        self.faults: list[Fault] = []
        self._values = 0
        self._line = 1
        self._line_start = 0
        self._counted_to = 0

    def here(self) -> Location:
        """Return the current place; lines are counted once, as the reading goes on."""
        lines = self.text.count("\n", self._counted_to, self.position)
        if lines:
            self._line += lines
            self._line_start = self.text.rfind("\n", 0, self.position) + 1
        self._counted_to = self.position
        return Location(file=self.file, line=self._line, column=self.position - self._line_start + 1)

    def skip_space(self) -> None:
        """Go to the next character that is not white space."""
        match = _SPACE.match(self.text, self.position)
        if match:
            self.position = match.end()

    def refuse(self, message: str, hint: str | None = None) -> NoReturn:
        """Stop at the current place."""
        stop(FaultKind.SYNTAX, f"not JSON: {message}", self.here(), hint)

    def value(self, depth: int) -> Node:
        """Read one value."""
        self.skip_space()
        at = self.here()
        self._values += 1
        if self._values > MAX_VALUES:
            stop(FaultKind.SIZE, f"more than {MAX_VALUES:,} values", at)
        if depth > MAX_DEPTH:
            stop(FaultKind.SIZE, f"nested deeper than {MAX_DEPTH} levels", at)
        match self._next():
            case "{":
                return self._object(at, depth)
            case "[":
                return self._array(at, depth)
            case '"':
                return self._string(at)
        return self._word_or_number(at)

    def _next(self) -> str:
        return self.text[self.position : self.position + 1]

    def _take(self, character: str) -> bool:
        self.skip_space()
        if self._next() != character:
            return False
        self.position += 1
        return True

    def _object(self, at: Location, depth: int) -> Mapping:
        self.position += 1
        entries: list[tuple[Scalar, Node]] = []
        first: dict[str, Location] = {}
        if self._take("}"):
            return Mapping((), at)
        while True:
            key = self._key()
            if not self._take(":"):
                self.refuse("expected a colon after the key")
            value = self.value(depth + 1)
            if key.text in first:
                self.faults.append(repeated_key(key, first[key.text]))
            else:
                first[key.text] = key.at
                entries.append((key, value))
            if self._take("}"):
                return Mapping(tuple(entries), at)
            self._require_comma("}")

    def _key(self) -> Scalar:
        self.skip_space()
        if self._next() != '"':
            self.refuse("expected a key in double quotes")
        return self._string(self.here())

    def _array(self, at: Location, depth: int) -> Items:
        self.position += 1
        items: list[Node] = []
        if self._take("]"):
            return Items((), at)
        while True:
            items.append(self.value(depth + 1))
            if self._take("]"):
                return Items(tuple(items), at)
            self._require_comma("]")

    def _require_comma(self, end: str) -> None:
        if not self._take(","):
            self.refuse(f"expected a comma or `{end}`")
        self.skip_space()
        if self._next() == end:
            self.refuse(f"there is a comma before `{end}`", "remove the comma")

    def _string(self, at: Location) -> Scalar:
        try:
            value, self.position = _DECODER.raw_decode(self.text, self.position)
        except json.JSONDecodeError as error:
            self.position = min(error.pos, len(self.text))
            self.refuse(f"{error.msg[0].lower()}{error.msg[1:].removesuffix(' at')}")
        require_short(value, at)
        if _SURROGATE.search(value):
            message = "a string contains half of a surrogate pair, which is not a character"
            self.faults.append(Fault(kind=FaultKind.CHARACTER, message=message, location=at))
            value = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
        return Scalar(value, value, at)

    def _word_or_number(self, at: Location) -> Scalar:
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.position):
                self.position += len(word)
                return Scalar(value, word, at)
        match = _NUMBER.match(self.text, self.position)
        if not match:
            self.refuse("expected a value")
        self.position = match.end()
        return Scalar(self._number(match[0], at), match[0], at)

    def _number(self, text: str, at: Location) -> Plain:
        if len(text) > LONGEST_NUMBER:
            stop(FaultKind.VALUE, f"a number of {len(text):,} digits is too long", at)
        if text.lstrip("-").isdigit():
            return int(text)
        try:
            return finite(text)
        except NumberError as error:
            self.faults.append(
                Fault(kind=FaultKind.VALUE, message=error.message, location=at, hint=error.hint)
            )
        return text


def is_json(text: str) -> bool:
    """Return whether a text without a file name is JSON."""
    if not text.lstrip().startswith(("{", "[")) or len(text) > MAX_TEXT:
        return False
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> Any:
    raise ValueError(name)
