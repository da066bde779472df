"""A JSON Schema without references: forms and checks read each parameter's schema by itself."""

import copy
from collections.abc import Mapping
from typing import Any

Json = Any


def inlined_defs(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Replace references to `$defs` by what they name; only types that contain themselves stay there."""
    return inlined(schema)[0]


def inlined(schema: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, list[list[str | int]]]]:
    """Return a schema without references, and under which paths the definitions' contents stand now."""
    definitions = dict(schema.get("$defs", {}))
    inliner = _Inliner(definitions)
    document: dict[str, Json] = inliner.inlined(copy.deepcopy(dict(schema)))
    if inliner.recursive:
        remaining = sorted(_reachable(inliner.recursive, definitions))
        document["$defs"] = {name: definitions[name] for name in remaining}
    return document, inliner.paths


class _Inliner:
    """Replaces references by what they name; notes the paths where that is, and which are recursive."""

    def __init__(self, definitions: Mapping[str, Json]) -> None:
        self._definitions = definitions
        self.recursive: set[str] = set()
        self.paths: dict[str, list[list[str | int]]] = {}

    def inlined(self, node: Json, inside: tuple[str, ...] = (), path: tuple[str | int, ...] = ()) -> Json:
        """Return a node without references; `inside` are the definitions around it."""
        if isinstance(node, list):
            return [self.inlined(item, inside, (*path, index)) for index, item in enumerate(node)]
        if not isinstance(node, dict):
            return node
        name = str(node.get("$ref", "")).removeprefix("#/$defs/")
        if name in inside:
            self.recursive.add(name)
            return dict(node)
        if name in self._definitions:
            return self._definition(name, node, inside, path)
        return {
            key: self._value(key, value, inside, (*path, key))
            for key, value in node.items()
            if key != "$defs"
        }

    def _value(self, key: str, value: Json, inside: tuple[str, ...], path: tuple[str | int, ...]) -> Json:
        if key == "discriminator" and isinstance(value, dict) and "propertyName" in value:
            # Its mapping from values to definitions would refer to what is no longer there.
            return {"propertyName": value["propertyName"]}
        return self.inlined(value, inside, path)

    def _definition(
        self, name: str, node: Json, inside: tuple[str, ...], path: tuple[str | int, ...]
    ) -> dict[str, Json]:
        """Return what a definition has in it, with the keys next to the reference."""
        self.paths.setdefault(name, []).append(list(path))
        beside = {key: value for key, value in node.items() if key != "$ref"}
        contents = self.inlined(self._definitions[name], (*inside, name), path)
        if "enum" in contents:
            # An enum's title and description are its class's name and docstring: no words for a form.
            contents = {key: value for key, value in contents.items() if key not in ("title", "description")}
        return {**contents, **self.inlined(beside, inside, path)}


def _reachable(names: set[str], definitions: Mapping[str, Json]) -> set[str]:
    """Return names of definitions, and of all that those refer to."""
    reachable, pending = set(names), list(names)
    while pending:
        text = str(definitions[pending.pop()])
        new = {name for name in definitions if f"'#/$defs/{name}'" in text} - reachable
        reachable |= new
        pending += new
    return reachable
