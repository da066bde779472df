"""YAML 1.2 text → a tree of values with their line and column.

The tree is made from libyaml's events with a stack of our own: deep nesting, alias bombs and cycles are
counted while they are read, and nothing is ever constructed from a tag.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from flowlock_core.documents.nodes import (
    MAX_DEPTH,
    Fault,
    FaultKind,
    Items,
    Limits,
    Mapping,
    Node,
    Scalar,
    Tree,
    UnreadableError,
    repeated_key,
    require_bounded,
    require_short,
    shown,
    start_of,
    stop,
    unreadable,
)
from flowlock_core.documents.scalars import NumberError, Plain, plain_value
from flowlock_core.documents.yaml_faults import malformed, syntax_fault
from flowlock_core.errors import Location

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_CORE_TAG = "tag:yaml.org,2002:"
_TAGGED_TYPES: dict[str, type | tuple[type, ...]] = {
    "null": type(None),
    "bool": bool,
    "int": int,
    "float": (int, float),
}


def read_yaml(text: str, file: str, limits: Limits | None = None) -> Tree:
    """Return the tree of a YAML document, as far as it can be read, and all faults of the text."""
    limits = limits or Limits()
    reader = _YamlReader(file, limits.values)
    try:
        require_bounded(text, file, limits.characters)
        _require_characters(text, file)
        reader.read(yaml.parse(text, Loader=_LOADER))
    except UnreadableError as error:
        return unreadable(error.fault, *reader.faults)
    except yaml.MarkedYAMLError as error:
        return unreadable(syntax_fault(error, text, file), *reader.faults)
    except yaml.reader.ReaderError as error:
        return unreadable(malformed(error.reason, start_of(file)), *reader.faults)
    return Tree(root=reader.root, end=reader.end, faults=tuple(reader.faults))


def _require_characters(text: str, file: str) -> None:
    bad = _NOT_TEXT.search(text)
    if not bad:
        return
    before = text[: bad.start()]
    line_start = max(before.rfind("\n"), before.rfind("\r")) + 1
    lines = before.count("\n") + before.count("\r") - before.count("\r\n")
    location = Location(file=file, line=lines + 1, column=len(before) - line_start + 1)
    stop(
        FaultKind.CHARACTER,
        f"the character U+{ord(bad[0]):04X} is not allowed in YAML",
        location,
        "remove it; in a double-quoted string, most characters can be written as \\xNN or \\uNNNN",
    )


@dataclass(slots=True)
class _Extent:
    """How many values a tree holds, keys and aliases' values included, and how deep it is."""

    values: int = 1
    depth: int = 0

    def add(self, child: "_Extent") -> None:
        """Count a child of the tree."""
        self.values += child.values
        self.depth = max(self.depth, child.depth + 1)


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been read."""

    at: Location
    anchor: str | None
    mapping: bool
    children: list[Node] = field(default_factory=list)
    extent: _Extent = field(default_factory=_Extent)


class _YamlReader:
    """Turns events into the tree."""

    def __init__(self, file: str, most_values: int) -> None:
        self.file = file
        self._most_values = most_values
        self.root: Node | None = None
        self.end = start_of(file)
        self.faults: list[Fault] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, _Extent]] = {}
        self._values = 0

    def read(self, events: Iterator[Any]) -> None:
        """Consume a whole event stream."""
        documents = 0
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._add(self._scalar(event), _Extent(), event.anchor)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._start(event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._end(event)
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.DocumentStartEvent():
                    documents += 1
                    self._require_one_document(documents, event)
                case _:
                    pass

    def _require_one_document(self, documents: int, event: Any) -> None:
        if documents > 1:
            message = "a second document begins here; the file must have exactly one"
            stop(
                FaultKind.DOCUMENTS, message, self._at(event), "remove the line `---`, or everything after it"
            )

    def _scalar(self, event: Any) -> Scalar:
        at = self._at(event)
        require_short(event.value, at)
        if event.tag is not None:
            return Scalar(self._tagged(event), event.value, at)
        plain = event.style in (None, "")
        return Scalar(self._plain(event.value, at) if plain else event.value, event.value, at)

    def _tagged(self, event: Any) -> Plain:
        tag, text = event.tag.removeprefix(_CORE_TAG), event.value
        if tag in ("!", "str"):
            return str(text)
        value = self._plain(text, self._at(event))
        if tag not in _TAGGED_TYPES or not event.tag.startswith(_CORE_TAG):
            self._refuse_tag(event)
        elif not isinstance(value, _TAGGED_TYPES[tag]):
            self._fault(FaultKind.VALUE, f"`{shown(text)}` is not a valid value for the tag !!{tag}", event)
        elif tag == "float" and isinstance(value, int):
            return float(value)
        return value

    def _plain(self, text: str, at: Location) -> Plain:
        try:
            return plain_value(text)
        except NumberError as error:
            self.faults.append(
                Fault(kind=FaultKind.VALUE, message=error.message, location=at, hint=error.hint)
            )
            return text

    def _start(self, event: Any) -> None:
        if len(self._open) >= MAX_DEPTH:
            stop(FaultKind.SIZE, f"nested deeper than {MAX_DEPTH} levels", self._at(event))
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _CORE_TAG + ("map" if mapping else "seq")):
            self._refuse_tag(event)
        self._open.append(_Open(at=self._at(event), anchor=event.anchor, mapping=mapping))

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        if not self._open:
            self.end = self._at(event)
        if done.mapping:
            self._add(Mapping(tuple(self._entries(done)), done.at), done.extent, done.anchor)
        else:
            self._add(Items(tuple(done.children), done.at), done.extent, done.anchor)

    def _entries(self, done: _Open) -> Iterator[tuple[Scalar, Node]]:
        """Yield a mapping's entries: what it says itself, then what its merge keys (`<<`) add."""
        seen: dict[str, Location] = {}
        merged: list[tuple[Scalar, Node]] = []
        for key, value in zip(done.children[::2], done.children[1::2], strict=True):
            if not isinstance(key, Scalar) or not isinstance(key.value, str):
                self._refuse_key(key)
            elif key.text == "<<":
                merged += self._merge(value)
            elif key.value in seen:
                self.faults.append(repeated_key(key, seen[key.value]))
            else:
                seen[key.value] = key.at
                yield key, value
        for key, value in merged:
            if key.text not in seen:
                seen[key.text] = key.at
                yield key, value

    def _refuse_key(self, key: Node) -> None:
        hint = "put it in quotes" if isinstance(key, Scalar) else None
        if isinstance(key, Mapping):
            hint = "a reference begins with `$`: `${{ workflow.<id>.return }}`; quote other strings with {"
        self.faults.append(
            Fault(kind=FaultKind.KEY, message="a key must be a string", location=key.at, hint=hint)
        )

    def _merge(self, value: Node) -> list[tuple[Scalar, Node]]:
        sources = value.items if isinstance(value, Items) else (value,)
        entries: list[tuple[Scalar, Node]] = []
        for source in sources:
            if isinstance(source, Mapping):
                entries += source.entries
            else:
                message = "`<<` must be a mapping or a list of mappings"
                self.faults.append(Fault(kind=FaultKind.KEY, message=message, location=source.at))
        return entries

    def _alias(self, event: Any) -> None:
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            pending = [collection.anchor for collection in self._open]
            reason = "refers to itself" if event.anchor in pending else "is not defined"
            stop(FaultKind.SYNTAX, f"the alias `*{shown(event.anchor)}` {reason}", self._at(event))
        node, extent = anchored
        self._values += extent.values
        if self._values > self._most_values or len(self._open) + extent.depth > MAX_DEPTH:
            stop(FaultKind.SIZE, "aliases make this document too large", self._at(event))
        self._add(node, extent, None)

    def _add(self, node: Node, extent: _Extent, anchor: str | None) -> None:
        self._values += 1
        if self._values > self._most_values:
            stop(FaultKind.SIZE, f"more than {self._most_values:,} values", node.at)
        if anchor is not None:
            self._anchors[anchor] = (node, extent)
        if self._open:
            self._open[-1].children.append(node)
            self._open[-1].extent.add(extent)
        else:
            self.root = node

    def _at(self, event: Any) -> Location:
        mark = event.start_mark
        return Location(file=self.file, line=mark.line + 1, column=mark.column + 1)

    def _fault(self, kind: FaultKind, message: str, event: Any, hint: str | None = None) -> None:
        self.faults.append(Fault(kind=kind, message=message, location=self._at(event), hint=hint))

    def _refuse_tag(self, event: Any) -> None:
        tag = event.tag.replace(_CORE_TAG, "!!")
        hint = "remove the tag: only strings, numbers, lists and mappings are supported"
        self._fault(FaultKind.VALUE, f"the tag `{shown(tag)}` is not allowed", event, hint)
