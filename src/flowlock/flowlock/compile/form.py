"""`form.json`: the parameters as a form shows them, a card for each group, with the spec's overrides."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from flowlock.compile.code.code_plan import Plan
from flowlock.compile.code.python import one_line
from flowlock.compile.params import params_schema
from flowlock.spec.model import TaskGroup
from flowlock.spec.paths import DEFINITIONS, definitions, inside, plain, split

Json = Any


def form(plan: Plan) -> dict[str, Json]:
    """Return `schema` (JSON Schema, grouped), `uiSchema` (react-jsonschema-form's), and the groups' steps."""
    flat = params_schema(plan)
    steps = copy.deepcopy(flat["properties"])
    cards = dict(_cards(plan, steps))
    titles = {group.title.value for group in plan.spec.groups if group.title}
    groups = {title: list(card["properties"]) for title, card in cards.items() if title in titles}
    schema = {**flat, "properties": cards}
    if "$defs" in flat:
        schema["$defs"] = copy.deepcopy(flat["$defs"])
    schema.pop("required", None)
    required = _required_names(cards)
    if required:
        schema["required"] = required
    types = _overridden_types(plan, steps, schema.get("$defs", {}))
    _override_properties(plan, cards, types)
    return {"schema": schema, "uiSchema": _ui_schema(plan, cards), "groups": groups}


def _required_names(schemas: Mapping[str, Json]) -> list[str]:
    """Return the names of the objects that have a required property: they are required themselves."""
    return [name for name, schema in schemas.items() if schema.get("required")]


def _override_properties(plan: Plan, cards: dict[str, Json], types: Mapping[str, Json]) -> None:
    for path, node in plan.spec.overrides.properties:
        target = split(path.value, cards)
        if target is None:
            continue
        name, segments = target
        root = {name: cards[name]} if segments else cards
        _put(root, (name, *segments), _resolved(plain(node), types))


def _overridden_types(plan: Plan, steps: dict[str, Json], recursive: dict[str, Json]) -> dict[str, Json]:
    """Override types wherever the steps' schemas contain them; return them by name, for `$ref`s to them."""
    nodes_by_type = {name: [node] for name, node in recursive.items()}
    for name, node in _type_nodes(plan, steps):
        nodes_by_type.setdefault(name, []).append(node)
    added: dict[str, Json] = {}
    for path, tree in plan.spec.overrides.definitions:
        name, _, rest = path.value.partition(".")
        value = plain(tree)
        if not rest and name not in nodes_by_type:
            added[name] = value
        for node in nodes_by_type.get(name, ()):
            _override(node, rest, value)
    return added | {name: copy.deepcopy(nodes[0]) for name, nodes in nodes_by_type.items()}


def _type_nodes(plan: Plan, steps: Mapping[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield each named type in the steps' schemas, with the node that defines it."""
    for step in plan.steps:
        for parameter in step.parameters:
            yield from definitions(steps[step.id]["properties"][parameter.name], parameter)


def _override(node: dict[str, Json], path: str, value: Json) -> None:
    """Override what a dotted path below a node leads to, or the node itself without a path."""
    if path:
        _put(node, tuple(path.split(".")), value)
    else:
        _replace(node, value)


def _replace(target: dict[str, Json], value: Json) -> None:
    """Replace the contents of a schema, but keep a default: it belongs to the parameter, not to the type."""
    kept = {key: target[key] for key in ("default",) if key in target}
    target.clear()
    target.update({**kept, **value} if isinstance(value, dict) else kept)


def _resolved(node: Json, types: Mapping[str, Json], inside_of: tuple[str, ...] = ()) -> Json:
    """Replace `$ref`s to types with the types: the rest of the form has no references either."""
    if isinstance(node, list):
        return [_resolved(item, types, inside_of) for item in node]
    if not isinstance(node, dict):
        return node
    name = str(node.get("$ref", "")).removeprefix(DEFINITIONS)
    if name in types and name not in inside_of:
        beside = {key: value for key, value in node.items() if key != "$ref"}
        merged = {**types[name], **beside} if isinstance(types[name], dict) else beside
        return _resolved(merged, types, (*inside_of, name))
    return {key: _resolved(value, types, inside_of) for key, value in node.items()}


def _cards(plan: Plan, steps: dict[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    for member in plan.spec.workflow:
        if not isinstance(member, TaskGroup):
            if member.id and member.id.value in steps:
                yield member.id.value, steps[member.id.value]
            continue
        own = {
            step.id.value: steps[step.id.value] for step in member.steps if step.id and step.id.value in steps
        }
        if own and member.title:
            yield member.title.value, _card(member, own)


def _card(group: TaskGroup, own: dict[str, Json]) -> dict[str, Json]:
    card: dict[str, Json] = {"title": one_line(group.title.value if group.title else ""), "type": "object"}
    if group.description:
        card["description"] = group.description.value.strip()
    card["properties"] = own
    required = _required_names(own)
    if required:
        card["required"] = required
    card["additionalProperties"] = False
    return card


def _put(root: Json, segments: tuple[str, ...], value: Json) -> None:
    """Set the value at a path. A path that does not exist, or that would add a field, changes nothing."""
    *parents, last = segments
    for segment in parents:
        root = inside(root, segment)
    if parents and parents[-1] == "properties" and isinstance(root, dict) and last not in root:
        return
    if isinstance(root, list):
        if inside(root, last) is not None:
            root[int(last)] = value
    elif isinstance(root, dict):
        root[last] = value


def _ui_schema(plan: Plan, cards: dict[str, Json]) -> dict[str, Json]:
    """Nest the dotted paths. The cards are in the order of the spec."""
    ui_schema: dict[str, Json] = {}
    if cards:
        ui_schema["ui:order"] = [*cards]
    for path, node in plan.spec.overrides.ui_schema:
        name, segments = split(path.value, cards) or ("", tuple(path.value.split(".")))
        value = plain(node)
        for segment in reversed((name, *segments) if name else segments):
            value = {segment: value}
        ui_schema = _merged(ui_schema, value)
    return ui_schema


def _merged(old: Json, new: Json) -> Json:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
