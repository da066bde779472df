"""Rules for `rjsf-overrides`: every path leads to something that the form has."""

from collections.abc import Iterator, Mapping
from typing import Any

from flowlock.errors import Problem, nearest
from flowlock.spec.catalog import Scope, filled
from flowlock.spec.document import shown
from flowlock.spec.model import Group, Spec, Step, Text
from flowlock.spec.paths import inside, split, titled
from flowlock_core.schema import Parameter

Json = Any
# A card: the parameters of a step, or the steps of a group with theirs.
Card = Mapping[str, Parameter] | Mapping[str, Mapping[str, Parameter]]


def check_overrides(spec: Spec, scope: Scope) -> Iterator[Problem]:
    """Check the paths of all three sections."""
    cards = _cards(spec, scope)
    groups = {group.title.value for group in spec.groups if group.title}
    for path, _ in spec.overrides.properties:
        yield from _check_path(path, cards, groups, schema=True)
    for path, _ in spec.overrides.ui_schema:
        if not path.value.startswith("ui:"):
            yield from _check_path(path, cards, groups, schema=False)
    schemas = [one.schema for card in cards.values() for one in _parameters(card)]
    for path, _ in spec.overrides.definitions:
        yield from _check_definition(path, schemas)


def _cards(spec: Spec, scope: Scope) -> dict[str, Any]:
    cards: dict[str, Any] = {}
    for member in spec.workflow:
        if isinstance(member, Group):
            steps = {step.id.value: _given(step, scope) for step in member.steps if step.id}
            if member.title:
                cards[member.title.value] = steps
        elif member.id:
            cards[member.id.value] = _given(member, scope)
    return cards


def _given(step: Step, scope: Scope) -> dict[str, Parameter]:
    """Return the parameters that the form asks for."""
    task, bound = scope.task(step.task), filled(step)
    found = task.parameters if task else ()
    return {one.name: one for one in found if not one.wired and one.name not in bound}


def _parameters(card: Mapping[str, Any]) -> Iterator[Parameter]:
    for one in card.values():
        if isinstance(one, Parameter):
            yield one
        else:
            yield from one.values()


def _check_path(path: Text, cards: dict[str, Any], groups: set[str], *, schema: bool) -> Iterator[Problem]:
    """Follow `<card>.properties.<name>…`; a uiSchema leaves `properties` out, and is free below the names."""
    found = split(path.value, cards)
    if found is None:
        yield _problem(path, "the form has no card", path.value.split(".")[0], list(cards))
        return
    card, segments = found
    here = cards[card]
    for _ in range(2 if card in groups else 1):
        if not segments or (not schema and segments[0].startswith("ui:")):
            return
        if schema:
            if segments[0] != "properties":
                return
            segments = segments[1:]
        if not segments:
            return
        name, segments = segments[0], segments[1:]
        if name not in here:
            yield _problem(path, "the form has no field", name, list(here))
            return
        here = here[name]
    if schema and isinstance(here, Parameter):
        yield from _check_inside(path, here.schema, segments)


def _check_inside(path: Text, node: Json, segments: tuple[str, ...]) -> Iterator[Problem]:
    """All but the last segment must be there; the last may be new, unless it would be a new field."""
    before = ""
    for number, segment in enumerate(segments):
        known = list(node) if isinstance(node, Mapping) else []
        node = inside(node, segment)
        last = number == len(segments) - 1
        if node is None and not (last and before != "properties"):
            yield _problem(path, "the schema has no key", segment, known)
            return
        before = segment


def _check_definition(path: Text, schemas: list[Mapping[str, Json]]) -> Iterator[Problem]:
    name, _, rest = path.value.partition(".")
    found = [one for schema in schemas for one in titled(schema, name)]
    if not found:
        yield _problem(path, "no parameter has the type", name, [])
        return
    if rest:
        yield from _check_inside(path, found[0], tuple(rest.split(".")))


def _problem(path: Text, what: str, name: str, known: list[str]) -> Problem:
    hint = nearest(name, known) or (f"there are {', '.join(known[:8])}" if known else None)
    return Problem(code="FL160", message=f"{what} `{shown(name)}`", location=path.at, hint=hint)
