"""YAML and JSON from people: its values, where each of them stands, and the problems of the text."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from flowlock_core.documents import nodes
from flowlock_core.documents.json_text import is_json, read_json
from flowlock_core.documents.nodes import FaultKind, Node, Tree
from flowlock_core.errors import Location, Problem, WorkflowError

KeyPath: TypeAlias = tuple[str, ...]

# The longer ones first: the mark of UTF-32 begins as that of UTF-16 does.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# By what a person has to do about a fault: find the mark that is missing, or quote, divide, retype a value.
_CODES = {
    FaultKind.SYNTAX: "FL721",
    FaultKind.REPEATED_KEY: "FL722",
    FaultKind.VALUE: "FL740",
    FaultKind.SIZE: "FL741",
    FaultKind.CHARACTER: "FL742",
    FaultKind.KEY: "FL743",
    FaultKind.DOCUMENTS: "FL744",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A file's content; `keys` and `values` have the location of the key and the value of each path.

    `end` is where something could be added; `problems` do not keep the rest from being read.
    """

    content: Any
    keys: Mapping[KeyPath, Location]
    values: Mapping[KeyPath, Location]
    end: Location
    problems: tuple[Problem, ...]


def marked_encoding(data: bytes) -> str | None:
    """Return the encoding that a byte order mark at the beginning names, if there is one."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return encoding
    return None


def decoded(data: bytes) -> str:
    """Return the text of bytes in UTF-8, or in what their byte order mark names (UnicodeDecodeError)."""
    return data.decode(marked_encoding(data) or "utf-8")


def place_of_byte(data: bytes, position: int) -> tuple[int, int]:
    """Return line and column, from 1, of a byte in a text that is UTF-8 before it."""
    before = data[:position]
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", errors="replace"))
    return before.count(b"\n") + 1, column + 1


def text_of(data: bytes, file: str, what: str, *, code: str) -> str:
    """Return a file's text; a WorkflowError has the first byte that is not of its encoding."""
    try:
        return decoded(data)
    except UnicodeDecodeError as error:
        line, column = place_of_byte(data, error.start)
        encoding = error.encoding.upper().removesuffix("-SIG")
        problem = Problem(
            code=code,
            message=f"the {what} is not in {encoding}: {error.reason}",
            location=Location(file=file, line=line, column=column),
            hint="save the file as UTF-8",
        )
        raise WorkflowError(problem.message, problems=[problem]) from error


def read_text(path: Path, what: str, *, code: str) -> str:
    """Read a file; a WorkflowError explains why that fails."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WorkflowError(
            f"cannot read the {what} {path}: {error.strerror}", code=code, hint="check the path"
        ) from error
    return text_of(data, str(path), what, code=code)


def parse_document(text: str, file: str) -> Document:
    """Parse a text by the suffix of its file; a WorkflowError has the place that is neither YAML nor JSON.

    Without a suffix of either (standard input), it is JSON if it can be read as that.
    """
    tree = _tree(text, file)
    problems = tuple(
        Problem(code=_CODES[fault.kind], message=fault.message, location=fault.location, hint=fault.hint)
        for fault in tree.faults
    )
    if tree.root is None and problems:
        raise WorkflowError(problems[-1].message, problems=problems)
    places = _Places()
    if tree.root is not None:
        places.note(tree.root, ())
    return Document(
        content=nodes.value_of(tree.root),
        keys=places.keys,
        values=places.values,
        end=tree.end,
        problems=problems,
    )


def _tree(text: str, file: str) -> Tree:
    suffix = Path(file).suffix.lower()
    if suffix == ".json" or (suffix not in (".yaml", ".yml") and is_json(text)):
        return read_json(text, file)
    # Imported here: PyYAML takes longer to import than everything else in this package.
    from flowlock_core.documents.yaml_text import read_yaml

    return read_yaml(text, file)


@dataclass(frozen=True, slots=True)
class _Places:
    """The locations of keys and values by their paths."""

    keys: dict[KeyPath, Location] = field(default_factory=dict)
    values: dict[KeyPath, Location] = field(default_factory=dict)

    def note(self, node: Node, path: KeyPath) -> None:
        """Note where a value and what it holds stand; the tree is bounded, and so is this."""
        self.values[path] = node.at
        match node:
            case nodes.Mapping():
                for key, value in node.entries:
                    inner = (*path, str(key.value))
                    self.keys[inner] = key.at
                    self.note(value, inner)
            case nodes.Items():
                for number, value in enumerate(node.items):
                    self.note(value, (*path, str(number)))
            case nodes.Scalar():
                pass
