"""YAML (and so JSON) from people: its values, where each of them stands, and what is wrong with the text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from flowlock_core.errors import Location, Problem, WorkflowError

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Deeper than any task's parameters, and more: aliases can make a document endless.
_DEEPEST = 64
_MOST = 200_000

KeyPath: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A file's content; `keys` and `values` tell where the key and the value of each path stand.

    `end` is where something could be added; `problems` are keys that one mapping holds twice.
    """

    content: Any
    keys: Mapping[KeyPath, Location]
    values: Mapping[KeyPath, Location]
    end: Location
    problems: tuple[Problem, ...]


def read_text(path: Path, what: str, *, code: str) -> str:
    """Read a file; a WorkflowError tells why that fails."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise WorkflowError(
            f"cannot read the {what} {path}: {error.strerror}", code=code, hint="check the path"
        ) from error
    except UnicodeDecodeError as error:
        raise WorkflowError(
            f"the {what} {path} is not in UTF-8: {error.reason}", code=code, hint="save the file as UTF-8"
        ) from error


def parse_document(text: str, file: str) -> Document:
    """Parse a text; a WorkflowError tells where it is no YAML."""
    try:
        node = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as error:
        raise _malformed(error, text, file) from error
    found = _Places(file)
    problems = tuple(found.walk(node, ()))
    try:
        content = yaml.load(text, Loader=LOADER)  # noqa: S506 - a safe loader, in C where there is one
    except (yaml.YAMLError, ValueError) as error:
        raise _malformed(error, text, file, node) from error
    end = _at(file, node.end_mark) if node else Location(file=file, line=1, column=1)
    return Document(content=content, keys=found.keys, values=found.values, end=end, problems=problems)


class _Places:
    """Notes where keys and values stand."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.keys: dict[KeyPath, Location] = {}
        self.values: dict[KeyPath, Location] = {}

    def walk(self, node: yaml.Node | None, path: KeyPath) -> Iterator[Problem]:
        """Note a value and what it holds; yield a problem for each key that a mapping holds twice."""
        if node is None or path in self.values or len(path) > _DEEPEST or len(self.values) > _MOST:
            return
        self.values[path] = _at(self.file, node.start_mark)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*path, str(key.value))
                at = _at(self.file, key.start_mark)
                if inner in self.keys:
                    yield Problem(
                        code="FL722",
                        message=f"the key `{key.value}` stands here twice",
                        location=at,
                        hint=f"the first is on line {self.keys[inner].line}; keep one of them",
                    )
                self.keys.setdefault(inner, at)
                yield from self.walk(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                yield from self.walk(value, (*path, str(number)))


def _at(file: str, mark: Any) -> Location:
    return Location(file=file, line=mark.line + 1, column=mark.column + 1)


def _malformed(
    error: yaml.YAMLError | ValueError, text: str, file: str, node: yaml.Node | None = None
) -> WorkflowError:
    """Say where and why a text is no YAML, in a sentence of one line."""
    location = Location(file=file, line=1, column=1)
    reason, hint = str(error).partition("\n")[0], None
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        location = _at(file, mark) if mark else location
        reason = error.problem or reason
        if "cannot start any token" in reason:
            hint = "indent with spaces, never with tabs; a text that begins with @, ` or % needs quotes"
        elif "constructor for the tag" in reason:
            hint = "remove the tag"
    elif isinstance(error, yaml.reader.ReaderError):
        reason, hint = error.reason, "remove the character"
        before = text.encode()[: error.position].decode(errors="ignore")
        line = before.count("\n")
        location = Location(file=file, line=line + 1, column=len(before) - before.rfind("\n"))
    elif bad := next(_refused(node), None):
        location, hint = _at(file, bad.start_mark), "put it in quotes if it is a text"
    problem = Problem(code="FL721", message=f"not YAML: {reason}", location=location, hint=hint)
    return WorkflowError(problem.message, problems=[problem])


def _refused(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Yield the scalars that look like a date or a number, and are none."""
    match node:
        case yaml.ScalarNode():
            try:
                LOADER("").construct_document(node)
            except ValueError:
                yield node
        case yaml.SequenceNode():
            for item in node.value:
                yield from _refused(item)
        case yaml.MappingNode():
            for pair in node.value:
                for item in pair:
                    yield from _refused(item)
