"""`form.json`: the parameters as a form shows them, a card for each group, with the spec's overrides."""

import copy
from collections.abc import Iterator
from typing import Any

from flowlock.compile.params import params_schema
from flowlock.compile.plan import Plan
from flowlock.compile.python import one_line
from flowlock.spec.model import Group
from flowlock.spec.paths import inside, plain, split, titled

Json = Any


def form(plan: Plan) -> dict[str, Json]:
    """Return `schema` (JSON Schema, grouped), `uiSchema` (react-jsonschema-form's), and the groups' steps."""
    flat = params_schema(plan)
    steps = copy.deepcopy(flat["properties"])
    cards = dict(_cards(plan, steps))
    titles = {group.title.value for group in plan.spec.groups if group.title}
    groups = {title: list(card["properties"]) for title, card in cards.items() if title in titles}
    schema = {**flat, "properties": cards}
    required = [name for name, card in cards.items() if card.get("required")]
    schema.pop("required", None)
    schema |= {"required": required} if required else {}
    overrides = plan.spec.overrides
    for path, node in overrides.properties:
        found = split(path.value, cards)
        if found:
            name, segments = found
            _put({name: cards[name]} if segments else cards, (name, *segments), plain(node))
    for path, node in overrides.definitions:
        name, _, rest = path.value.partition(".")
        for target in list(titled(cards, name)):
            _put({name: target}, (name, *(rest.split(".") if rest else ())), plain(node))
    return {"schema": schema, "uiSchema": _ui_schema(plan, cards), "groups": groups}


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
    """Set what a path leads to; the rules have seen to it that all but its end is there."""
    *way, last = segments
    for segment in way:
        root = inside(root, segment)
    if isinstance(root, list):
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
