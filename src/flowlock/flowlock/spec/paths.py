"""Dotted paths of `rjsf-overrides`: which card of the form they begin at, and how they go on in a schema.

In the form each group is a card named by its title, each step outside of groups a card named by its id. A
title may have dots, so the longest name of a card that a path begins with counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flowlock.errors import Location
from flowlock_core.documents.nodes import Items, Node, Scalar
from flowlock_core.documents.nodes import Mapping as Mapping_
from flowlock_core.schema import Parameter

Json = Any
DEFINITIONS = "#/$defs/"
CHOICES = ("anyOf", "oneOf", "enum")


def split(path: str, names: Iterable[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return the name that a path begins with, and the segments after it."""
    fitting = [name for name in names if path == name or path.startswith(f"{name}.")]
    if not fitting:
        return None
    name = max(fitting, key=len)
    rest = path[len(name) + 1 :]
    return name, tuple(rest.split(".")) if rest else ()


def inside(node: Json, segment: str) -> Json | None:
    """Follow one segment: a key of a mapping, or a position in a list."""
    if isinstance(node, Mapping):
        return node.get(segment)
    if isinstance(node, list) and segment.isdecimal() and int(segment) < len(node):
        return node[int(segment)]
    return None


def definitions(schema: Json, parameter: Parameter) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield the types that a parameter's schema is made of: name, and its part of the schema."""
    for name, places in parameter.types.items():
        for place in places:
            node = schema
            for segment in place:
                node = inside(node, str(segment))
            if isinstance(node, dict):
                yield name, node


def referred(node: Node) -> Iterator[tuple[str, Location]]:
    """Yield the names of the definitions that a value refers to by `$ref`, and where."""
    match node:
        case Items():
            for item in node.items:
                yield from referred(item)
        case Mapping_():
            for key, item in node.entries:
                if key.text == "$ref" and isinstance(item, Scalar) and item.text.startswith(DEFINITIONS):
                    yield item.text.removeprefix(DEFINITIONS), item.at
                else:
                    yield from referred(item)
        case Scalar():
            return


def without_empty_choices(node: Json) -> Json:
    """Drop choices that are empty: tasks leave them to the overrides of a spec, and mean no restriction."""
    if isinstance(node, list):
        return [without_empty_choices(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: without_empty_choices(value)
        for key, value in node.items()
        if not (key in CHOICES and value == [])
    }


def plain(node: Node) -> Json:
    """Return the value of a tree without its places."""
    match node:
        case Scalar():
            return node.value
        case Items():
            return [plain(item) for item in node.items]
        case _:
            return {key.text: plain(item) for key, item in node.entries}
