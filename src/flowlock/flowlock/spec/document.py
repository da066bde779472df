"""YAML text → a tree of values that know their line and column, and everything that is wrong with the text.

The tree is made from libyaml's events with a stack of our own: deep nesting, alias bombs and cycles are
counted while they are read, and nothing is ever constructed from a tag.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import yaml

from flowlock.errors import Location, Problem

MAX_TEXT = 8_000_000
MAX_SCALAR = 1_000_000
MAX_DEPTH = 64
MAX_VALUES = 200_000
SHOWN = 60

_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_CORE_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*|0[0-7_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+)")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*(?=[eE]))(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)

Plain: TypeAlias = bool | int | float | str | None


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


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been read."""

    at: Location
    anchor: str | None
    mapping: bool
    children: list[Node] = field(default_factory=list)


def read(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """Return the tree of a YAML document, as far as it can be read, and all problems of the text."""
    refused = _refuse_text(text, file)
    if refused:
        return None, [refused]
    reader = _Reader(file)
    try:
        reader.read(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        reader.problems.append(_syntax(error, text, file))
    except yaml.reader.ReaderError as error:
        reader.problems.append(
            Problem(code="FL101", message=f"not YAML: {error.reason}", location=_start(file))
        )
    except _Stop:
        pass
    else:
        return reader.root, reader.problems
    return None, reader.problems


def _refuse_text(text: str, file: str) -> Problem | None:
    if len(text) > MAX_TEXT:
        message = f"the file has {len(text):,} characters; {MAX_TEXT:,} are the most that are read"
        return Problem(code="FL105", message=message, location=_start(file))
    bad = _NOT_TEXT.search(text)
    if not bad:
        return None
    before = text[: bad.start()]
    lines = before.splitlines() or [""]
    line = len(lines) + (1 if before.endswith(("\n", "\r")) else 0)
    column = 1 if before.endswith(("\n", "\r")) else len(lines[-1]) + 1
    return Problem(
        code="FL106",
        message=f"the character U+{ord(bad[0]):04X} is not allowed in YAML",
        location=Location(file=file, line=line, column=column),
        hint="remove it; in a double-quoted text most characters can be written as \\xNN or \\uNNNN",
    )


class _Stop(Exception):  # noqa: N818 - ends the reading, and is no error of its own
    """The rest of the document cannot be read."""


class _Reader:
    """Turns events into the tree."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._values = 0

    def read(self, events: Iterator[Any]) -> None:
        """Consume a whole event stream."""
        documents = 0
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._add(self._scalar(event), event.anchor)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._start(event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._end()
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        self._stop("FL104", "a second document begins here; a spec is one document", event)
                case _:
                    pass

    def _scalar(self, event: Any) -> Scalar:
        at = self._at(event)
        if len(event.value) > MAX_SCALAR:
            self._stop("FL105", f"a text of {len(event.value):,} characters is too long", event)
        if event.tag is not None:
            return Scalar(self._tagged(event), event.value, at)
        plain = event.style in (None, "")
        return Scalar(self._plain(event.value, at) if plain else event.value, event.value, at)

    def _tagged(self, event: Any) -> Plain:
        tag, text = event.tag.removeprefix(_CORE_TAG), event.value
        if tag in ("!", "str"):
            return str(text)
        value = self._plain(text, self._at(event))
        kinds: dict[str, type | tuple[type, ...]] = {
            "null": type(None), "bool": bool, "int": int, "float": (int, float)
        }  # fmt: skip
        if tag not in kinds or not event.tag.startswith(_CORE_TAG):
            self._tag_problem(event)
        elif not isinstance(value, kinds[tag]):
            self._problem("FL103", f"`{text}` is not a value of the tag !!{tag}", event)
        elif tag == "float" and isinstance(value, int):
            return float(value)
        return value

    def _plain(self, text: str, at: Location) -> Plain:
        """Resolve as YAML 1.1 does, but times stay text, `1e5` is a number and `1:30` is none."""
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in "+-.0123456789":
            return text
        try:
            if _INT.fullmatch(text):
                return _integer(text.replace("_", ""))
            if _FLOAT.fullmatch(text):
                return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan").lower())
        except ValueError as error:
            self.problems.append(Problem(code="FL103", message=f"not a number: {error}", location=at))
        return text

    def _start(self, event: Any) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._stop("FL105", f"nested deeper than {MAX_DEPTH} levels", event)
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _CORE_TAG + ("map" if mapping else "seq")):
            self._tag_problem(event)
        self._open.append(_Open(at=self._at(event), anchor=event.anchor, mapping=mapping))

    def _end(self) -> None:
        done = self._open.pop()
        node: Node = (
            Mapping(tuple(self._entries(done)), done.at)
            if done.mapping
            else Items(tuple(done.children), done.at)
        )
        self._add(node, done.anchor)

    def _entries(self, done: _Open) -> Iterator[tuple[Scalar, Node]]:
        """Yield a mapping's entries: what it says itself, then what its merge keys (`<<`) add."""
        seen: dict[str, Location] = {}
        merged: list[tuple[Scalar, Node]] = []
        for key, value in zip(done.children[::2], done.children[1::2], strict=True):
            if not isinstance(key, Scalar) or not isinstance(key.value, str):
                self.problems.append(
                    Problem(
                        code="FL107",
                        message="a key must be a text",
                        location=key.at,
                        hint="put it in quotes" if isinstance(key, Scalar) else None,
                    )
                )
            elif key.text == "<<":
                merged += self._merge(value)
            elif key.value in seen:
                first = seen[key.value]
                message = f"the key `{shown(key.value)}` is given twice"
                hint = f"the first is on line {first.line}; keep one of them"
                self.problems.append(Problem(code="FL102", message=message, location=key.at, hint=hint))
            else:
                seen[key.value] = key.at
                yield key, value
        for key, value in merged:
            if key.text not in seen:
                seen[key.text] = key.at
                yield key, value

    def _merge(self, value: Node) -> list[tuple[Scalar, Node]]:
        sources = value.items if isinstance(value, Items) else (value,)
        found: list[tuple[Scalar, Node]] = []
        for source in sources:
            if isinstance(source, Mapping):
                found += source.entries
            else:
                message = "`<<` takes a mapping, or a list of mappings"
                self.problems.append(Problem(code="FL107", message=message, location=source.at))
        return found

    def _alias(self, event: Any) -> None:
        known = self._anchors.get(event.anchor)
        if known is None:
            open_ones = [one.anchor for one in self._open]
            reason = "refers to itself" if event.anchor in open_ones else "is not defined"
            self._stop("FL101", f"the alias `*{shown(event.anchor)}` {reason}", event)
        node, values, depth = known
        self._values += values
        if self._values > MAX_VALUES or len(self._open) + depth > MAX_DEPTH:
            self._stop("FL105", "aliases make this document too large", event)
        self._add(node, None)

    def _add(self, node: Node, anchor: str | None) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            message = f"more than {MAX_VALUES:,} values"
            self.problems.append(Problem(code="FL105", message=message, location=node.at))
            raise _Stop
        if anchor is not None:
            self._anchors[anchor] = (node, *_extent(node))
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node

    def _at(self, event: Any) -> Location:
        mark = event.start_mark
        return Location(file=self.file, line=mark.line + 1, column=mark.column + 1)

    def _problem(self, code: str, message: str, event: Any, hint: str | None = None) -> None:
        self.problems.append(Problem(code=code, message=message, location=self._at(event), hint=hint))

    def _tag_problem(self, event: Any) -> None:
        tag = event.tag.replace(_CORE_TAG, "!!")
        hint = "remove the tag: a spec holds texts, numbers, lists and mappings only"
        self._problem("FL103", f"the tag `{shown(tag)}` is not allowed", event, hint)

    def _stop(self, code: str, message: str, event: Any) -> NoReturn:
        self._problem(code, message, event)
        raise _Stop


def _extent(node: Node) -> tuple[int, int]:
    """Return how many values a tree holds, and how deep it is."""
    match node:
        case Scalar():
            return 1, 0
        case Items():
            children = [_extent(child) for child in node.items]
        case Mapping():
            children = [_extent(child) for _, child in node.entries]
    return 1 + sum(count for count, _ in children), 1 + max((deep for _, deep in children), default=0)


def _integer(text: str) -> int:
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.lstrip("+"))
    if digits[:2] in ("0x", "0b", "0o"):
        return sign * int(digits, 0)
    return sign * int(digits, 8 if len(digits) > 1 and digits[0] == "0" else 10)


def _syntax(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    where = Location(file=file, line=mark.line + 1, column=mark.column + 1) if mark else _start(file)
    problem = error.problem or "cannot be read"
    hint = None
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    begins = line[mark.column :] if mark else ""
    if "${{" in line and "'}'" in problem:
        hint = 'inside of { } a reference needs quotes: "${{ workflow.<id>.return }}"'
    elif begins.startswith("\t") or "tab character" in problem:
        problem, hint = "a line is indented with a tab", "indent with spaces, two for each level"
    elif "cannot start any token" in problem:
        problem, hint = f"a text cannot begin with {begins[:1]}", "put it in quotes"
    elif "mapping values are not allowed" in problem:
        problem, hint = "a second `: ` in one line", "put a text that holds `: ` in quotes"
    elif error.context and error.context_mark and error.context_mark.line + 1 != where.line:
        hint = f"see also line {error.context_mark.line + 1}: {error.context}"
    return Problem(code="FL101", message=f"not YAML: {problem}", location=where, hint=hint)


def _start(file: str) -> Location:
    return Location(file=file, line=1, column=1)


def shown(text: str) -> str:
    """Return a text from a spec so that it fits into a message of one line."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= SHOWN else line[: SHOWN - 3] + "..."
