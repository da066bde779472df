"""The part of YAML that lockfiles are written in, read and written fast, with its scalars as they stand.

A lock of 4,200 records takes PyYAML's C loader two seconds. A text that is not in the subset (flow style,
block scalars, comments after a value) is read as a whole by the reader of all other YAML. The limits are far
above real locks: one of 20,000 records has 20 million characters and 500,000 values.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flowlock_core.documents.nodes import MAX_DEPTH, Items, Limits, Mapping, Scalar
from flowlock_core.documents.nodes import Node as TreeNode

Node = Any  # dict[str, Node] | list[Node] | str | int | bool | Plain


class Plain(str):
    """A scalar that YAML would not read as text (`1.10`, `true`, `null`): it is written again as it stood."""

    __slots__ = ()


class YamlError(Exception):
    """The text is not YAML, or not what a lock can hold: the reason, and line and column from 1."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


class _OutsideSubsetError(Exception):
    """A construct that the fast reader leaves to the other one."""


MAX_CHARACTERS = 100_000_000
MAX_VALUES = 1_000_000
# A count or a time in milliseconds has fewer digits; what is longer stays a text.
_LONGEST_INTEGER = 19

# What serde-yaml, which pixi reads and writes with, takes for something else than text (YAML 1.2).
_NUMBER = re.compile(
    r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?0x[0-9a-fA-F]+|[-+]?0o[0-7]+|[-+]?0b[01]+"
)
# What makes a text without quotes another construct: a comment, a mapping, a sequence, a complex key.
_NOT_PLAIN = re.compile(r" #|: |:$|\t|^[?-] |^\?$")
_EMPTY_COLLECTIONS: dict[str, Callable[[], Node]] = {"{}": dict, "[]": list}
_WORDS = frozenset(("true", "false", "null", "~", ".inf", "-.inf", "+.inf", ".nan"))
_INDICATORS = frozenset("[]{}&*!|>%@`#,'\"")
_UNSAFE = re.compile(r": |:$| #|[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]|^[-?:](?: |$)|^(?:---|\.\.\.)|^\s|\s$")


def load(text: str) -> Node:
    """Return the document as dicts, lists, strings, ints and Plain; a YamlError if it is anything else."""
    if len(text) > MAX_CHARACTERS:
        message = f"it has {len(text):,} characters; the maximum is {MAX_CHARACTERS:,}"
        raise YamlError(message, 1, 1)
    lines = [line for line in text.split("\n") if line and not line.isspace() and line.lstrip(" ")[0] != "#"]
    try:
        reader = _BlockReader(lines)
        node = reader.node(0)
    except (_OutsideSubsetError, IndexError):
        return _load_any(text)
    return node if reader.at == len(lines) else _load_any(text)


class _BlockReader:
    """Block mappings and sequences, one value a line."""

    def __init__(self, lines: list[str]) -> None:
        self.lines, self.at = lines, 0

    def node(self, indent: int) -> Node:
        # Each level is indented by one column at least, but for lists, which may be flush with their key.
        if indent > MAX_DEPTH:
            raise _OutsideSubsetError
        if self.lines[self.at].startswith("- ", indent):
            return self._sequence(indent)
        return self._mapping(indent)

    def _mapping(self, indent: int) -> dict[str, Node]:
        lines, result = self.lines, {}
        while self.at < len(lines):
            line = lines[self.at]
            if _is_outside(line, indent):
                break
            key, colon, rest = line[indent:].partition(":")
            is_entry = colon and (not rest or rest[0] == " ")
            if not is_entry or key[0] in _INDICATORS or key in result:
                raise _OutsideSubsetError
            self.at += 1
            result[key] = _scalar(rest[1:]) if len(rest) > 1 else self._below(indent)
        return result

    def _below(self, indent: int) -> Node:
        """Return the value of a key with nothing behind it: the block below, deeper or as a sequence."""
        if self.at < len(self.lines):
            line = self.lines[self.at]
            depth = len(line) - len(line.lstrip(" "))
            if depth > indent or (depth == indent and line.startswith("- ", indent)):
                return self.node(depth)
        return Plain("")

    def _sequence(self, indent: int) -> list[Node]:
        lines, result, prefix = self.lines, [], " " * indent + "- "
        while self.at < len(lines) and (line := lines[self.at]).startswith(prefix):
            item = line[indent + 2 :]
            if item[0] not in _INDICATORS and (": " in item or item.endswith(":")):
                lines[self.at] = " " * (indent + 2) + item
                result.append(self._mapping(indent + 2))
            elif item.startswith(("- ", " ")):
                raise _OutsideSubsetError
            else:
                result.append(_scalar(item))
                self.at += 1
        return result


def _is_outside(line: str, indent: int) -> bool:
    """Return whether a line ends the mapping of an indent; a deeper line is not of the subset."""
    depth = len(line) - len(line.lstrip(" "))
    if depth > indent:
        raise _OutsideSubsetError
    return depth < indent or line.startswith("- ", indent)


def _scalar(text: str) -> Node:
    text = text.strip(" ")
    if text in _EMPTY_COLLECTIONS:
        return _EMPTY_COLLECTIONS[text]()
    if text[:1] == "'":
        return _unquoted(text)
    if text[:1] in _INDICATORS or _NOT_PLAIN.search(text):
        raise _OutsideSubsetError
    return _resolved(text)


def _unquoted(text: str) -> str:
    """Return the content of a single-quoted text, in which a quote is written twice."""
    content = text[1:-1]
    if len(text) == 1 or text[-1] != "'" or "'" in content.replace("''", ""):
        raise _OutsideSubsetError
    return content.replace("''", "'")


def _resolved(text: str) -> str | int:
    is_integer = text.isascii() and text.isdigit() and (text == "0" or text[0] != "0")
    if is_integer and len(text) <= _LONGEST_INTEGER:
        return int(text)
    return Plain(text) if _is_special(text) else text


def _is_special(text: str) -> bool:
    return not text or text.lower() in _WORDS or _NUMBER.fullmatch(text) is not None


def _load_any(text: str) -> Node:
    # Imported here: locks that pixi or this module wrote are read without PyYAML.
    from flowlock_core.documents.yaml_text import read_yaml

    tree = read_yaml(text, "", Limits(characters=MAX_CHARACTERS, values=MAX_VALUES))
    if tree.faults:
        fault = tree.faults[0]
        raise YamlError(fault.message, fault.location.line, fault.location.column)
    return _from_node(tree.root)


def _from_node(node: TreeNode | None) -> Node:
    match node:
        case None:
            return Plain("")
        case Mapping():
            return {key.text: _from_node(value) for key, value in node.entries}
        case Items():
            return [_from_node(item) for item in node.items]
        case Scalar():
            # A text has been quoted, or means a text without quotes too.
            return node.text if isinstance(node.value, str) else _resolved(node.text)


def dump(node: Node, indent: int = 0) -> list[str]:
    """Return the lines of a mapping or sequence as serde-yaml writes them: sequences flush with their key."""
    lines: list[str] = []
    _dump(node, " " * indent, lines)
    return lines


def _dump(node: Node, pad: str, lines: list[str]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if value and isinstance(value, dict):
                lines.append(f"{pad}{scalar(key)}:")
                _dump(value, pad + "  ", lines)
            elif value and isinstance(value, list | tuple):
                lines.append(f"{pad}{scalar(key)}:")
                _dump(value, pad, lines)
            else:
                lines.append(f"{pad}{scalar(key)}: {_leaf(value)}".rstrip(" "))
        return
    for item in node:
        if item and isinstance(item, dict | list | tuple):
            start = len(lines)
            _dump(item, pad + "  ", lines)
            lines[start] = f"{pad}- {lines[start][len(pad) + 2 :]}"
        else:
            lines.append(f"{pad}- {_leaf(item)}".rstrip(" "))


def _leaf(value: Node) -> str:
    if isinstance(value, Plain):
        return str(value)
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{}"
    return "[]" if isinstance(value, list | tuple) else str(value)


@lru_cache(maxsize=1 << 16)
def scalar(text: str) -> str:
    """Return a string as YAML: plain if it can be, else single-quoted, else escaped."""
    if _UNSAFE.search(text):
        if not text.isprintable():
            return _escaped(text)
    elif not _is_special(text) and text[0] not in _INDICATORS:
        return text
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    parts = []
    for char in text:
        plain = char.isprintable() and char not in '"\\'
        parts.append(char if plain else f"\\U{ord(char):08x}")
    return f'"{"".join(parts)}"'
