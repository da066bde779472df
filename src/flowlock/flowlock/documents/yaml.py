"""YAML 1.2 from people: the one reader of specs, recipes and `variants.yaml`.

flowlock-core reads the text, as it reads parameters, so that a scalar means the same in every file. What is
wrong with a text has the same codes in every file too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowlock.documents.places import KeyPath, Places
from flowlock.errors import FlowlockError, Location, Problem
from flowlock_core.documents.nodes import FaultKind, Items, Node, Scalar, value_of
from flowlock_core.documents.nodes import Mapping as MappingNode
from flowlock_core.documents.scalars import NumberError, plain_value
from flowlock_core.documents.yaml_text import read_yaml

_CODES = {
    FaultKind.SYNTAX: "FL101",
    FaultKind.REPEATED_KEY: "FL102",
    FaultKind.VALUE: "FL103",
    FaultKind.DOCUMENTS: "FL104",
    FaultKind.SIZE: "FL105",
    FaultKind.CHARACTER: "FL106",
    FaultKind.KEY: "FL107",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class YamlText:
    """A YAML mapping of texts to texts, numbers, booleans, lists and such mappings; and its places."""

    content: Mapping[str, Any]
    places: Places


def read(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """Return the tree of a YAML document, as far as it can be read, and all problems of the text."""
    tree = read_yaml(text, file)
    problems = [
        Problem(code=_CODES[fault.kind], message=fault.message, location=fault.location, hint=fault.hint)
        for fault in tree.faults
    ]
    return tree.root, problems


def read_mapping(text: str, file: str) -> YamlText:
    """Return a document that is a mapping; a FlowlockError has all problems of the text."""
    root, problems = read(text, file)
    if not problems and not isinstance(root, MappingNode):
        location = root.at if root else Location(file=file, line=1, column=1)
        hint = "write `key: value` in each line"
        message = "expected a mapping"
        problems = [Problem(code=_CODES[FaultKind.DOCUMENTS], message=message, location=location, hint=hint)]
    if problems:
        message = problems[0].message if len(problems) == 1 else f"{file} has {len(problems)} problems"
        raise FlowlockError(message, problems=problems)
    return YamlText(content=value_of(root), places=_places(root, file))


def text_of(document: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return a document as YAML that says the same to readers of YAML 1.1 and of 1.2, in its own order."""
    import yaml

    class Writer(yaml.SafeDumper):
        def increase_indent(self, *arguments: Any, **options: Any) -> None:
            # Lists in mappings are indented, as people write them.
            super().increase_indent(*arguments, **{**options, "indentless": False})

    def represented(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = None if _is_plain(text) else '"'
        return writer.represent_scalar("tag:yaml.org,2002:str", text, style)

    Writer.add_representer(str, represented)
    text: str = yaml.dump(document, Dumper=Writer, sort_keys=False, allow_unicode=True, width=2**16)
    return text


def _is_plain(text: str) -> bool:
    """Return whether YAML 1.2 reads an unquoted text as itself: `1e5` is a number there, but not in 1.1."""
    try:
        return plain_value(text) == text
    except NumberError:
        return False


def _places(root: Node | None, file: str) -> Places:
    """Return the places of a tree; what an alias stands for has the place of its anchor."""
    keys: dict[KeyPath, Location] = {}
    values: dict[KeyPath, Location] = {}
    written: dict[KeyPath, str] = {}
    pending: list[tuple[KeyPath, Node | None]] = [((), root)]
    while pending:
        path, node = pending.pop()
        if node is None:
            continue
        values[path] = node.at
        match node:
            case Scalar():
                written[path] = node.text
            case Items():
                pending += [((*path, number), item) for number, item in enumerate(node.items)]
            case MappingNode():
                for key, value in node.entries:
                    inner = (*path, key.text)
                    keys[inner] = key.at
                    pending.append((inner, value))
    return Places(file=file, keys=keys, values=values, written=written)
