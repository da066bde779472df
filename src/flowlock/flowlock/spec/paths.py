"""Dotted paths of `rjsf-overrides`: which card of the form they begin at, and how they go on in a schema.

In the form each group is a card named by its title, each step outside of groups a card named by its id. A
title may have dots of its own, so the longest name of a card that a path begins with counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flowlock.spec.document import Items, Node, Scalar

Json = Any


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


def titled(node: Json, title: str) -> Iterator[dict[str, Json]]:
    """Yield every schema inside of one that bears a title, as the definition that it was made from did."""
    if isinstance(node, list):
        for item in node:
            yield from titled(item, title)
    elif isinstance(node, dict):
        if node.get("title") == title:
            yield node
        for item in node.values():
            yield from titled(item, title)


def plain(node: Node) -> Json:
    """Return the value of a tree without its places."""
    match node:
        case Scalar():
            return node.value
        case Items():
            return [plain(item) for item in node.items]
        case _:
            return {key.text: plain(item) for key, item in node.entries}
