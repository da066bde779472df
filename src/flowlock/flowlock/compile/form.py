"""`form.json`: the parameters as a form shows them, a card for each group, with the spec's overrides."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from flowlock.compile.code.plan import Plan
from flowlock.compile.code.python import one_line
from flowlock.compile.params import params_schema
from flowlock.spec.model import Group
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
    required = [name for name, card in cards.items() if card.get("required")]
    schema.pop("required", None)
    schema |= {"required": required} if required else {}
    types = _overridden_types(plan, steps, schema.get("$defs", {}))
    for path, node in plan.spec.overrides.properties:
        found = split(path.value, cards)
        if found:
            name, segments = found
            _put({name: cards[name]} if segments else cards, (name, *segments), _resolved(plain(node), types))
    return {"schema": schema, "uiSchema": _ui_schema(plan, cards), "groups": groups}


def _overridden_types(plan: Plan, steps: dict[str, Json], recursive: dict[str, Json]) -> dict[str, Json]:
    """Override types wherever they stand in the steps' schemas; return them by name, for `$ref`s to them."""
    places: dict[str, list[dict[str, Json]]] = {name: [node] for name, node in recursive.items()}
    for step in plan.steps:
        for one in step.parameters:
            for name, node in definitions(steps[step.id]["properties"][one.name], one):
                places.setdefault(name, []).append(node)
    new: dict[str, Json] = {}
    for path, tree in plan.spec.overrides.definitions:
        name, _, rest = path.value.partition(".")
        value = plain(tree)
        if not rest and name not in places:
            new[name] = value
        for target in places.get(name, ()):
            if rest:
                _put(target, tuple(rest.split(".")), value)
            else:
                _replace(target, value)
    return new | {name: copy.deepcopy(nodes[0]) for name, nodes in places.items()}


def _replace(target: dict[str, Json], value: Json) -> None:
    """Give a schema other contents; a default that stands beside them is the parameter's own."""
    kept = {key: target[key] for key in ("default",) if key in target}
    target.clear()
    target.update({**kept, **value} if isinstance(value, dict) else kept)


def _resolved(node: Json, types: Mapping[str, Json], inside_of: tuple[str, ...] = ()) -> Json:
    """Replace `$ref`s to types by what the types are, as all of the form is without references."""
    if isinstance(node, list):
        return [_resolved(item, types, inside_of) for item in node]
    if not isinstance(node, dict):
        return node
    name = str(node.get("$ref", "")).removeprefix(DEFINITIONS)
    if name in types and name not in inside_of:
        beside = {key: value for key, value in node.items() if key != "$ref"}
        found = {**types[name], **beside} if isinstance(types[name], dict) else beside
        return _resolved(found, types, (*inside_of, name))
    return {key: _resolved(value, types, inside_of) for key, value in node.items()}


def _cards(plan: Plan, steps: dict[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    for member in plan.spec.workflow:
        if not isinstance(member, Group):
            if member.id and member.id.value in steps:
                yield member.id.value, steps[member.id.value]
            continue
        own = {
            step.id.value: steps[step.id.value] for step in member.steps if step.id and step.id.value in steps
        }
        if own and member.title:
            yield member.title.value, _card(member, own)


def _card(group: Group, own: dict[str, Json]) -> dict[str, Json]:
    card: dict[str, Json] = {"title": one_line(group.title.value if group.title else ""), "type": "object"}
    if group.description:
        card["description"] = group.description.value.strip()
    card["properties"] = own
    required = [name for name, schema in own.items() if schema.get("required")]
    card |= {"required": required} if required else {}
    return {**card, "additionalProperties": False}


def _put(root: Json, segments: tuple[str, ...], value: Json) -> None:
    """Set what a path leads to; one that leads to nothing, or would make a new field, changes nothing."""
    *way, last = segments
    for segment in way:
        root = inside(root, segment)
    if way and way[-1] == "properties" and isinstance(root, dict) and last not in root:
        return
    if isinstance(root, list):
        if inside(root, last) is not None:
            root[int(last)] = value
    elif isinstance(root, dict):
        root[last] = value


def _ui_schema(plan: Plan, cards: dict[str, Json]) -> dict[str, Json]:
    """Nest the dotted paths; the order of the cards is the spec's."""
    made: dict[str, Json] = {"ui:order": [*cards]} if cards else {}
    for path, node in plan.spec.overrides.ui_schema:
        found = split(path.value, cards) or ("", tuple(path.value.split(".")))
        name, segments = found
        value = plain(node)
        for segment in reversed((name, *segments) if name else segments):
            value = {segment: value}
        made = _merged(made, value)
    return made


def _merged(old: Json, new: Json) -> Json:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
