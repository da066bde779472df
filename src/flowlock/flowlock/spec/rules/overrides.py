"""Rules for `rjsf-overrides`: every path leads to something that the form has.

An override that leads to nothing changes nothing: published specs keep such leftovers, so it is a warning. A
value that refers to a type which the form does not have is an error.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flowlock.errors import Location, Problem, Severity, nearest
from flowlock.spec.catalog import Scope, filled
from flowlock.spec.model import LocatedText, Spec, Step, TaskGroup
from flowlock.spec.paths import definitions, inside, referred, split
from flowlock_core.documents.nodes import shown
from flowlock_core.schema import Parameter

Json = Any


@dataclass(frozen=True, slots=True)
class _Fields:
    """The parameters of a step: those that the form asks for, and those that the spec gives."""

    asked: Mapping[str, Parameter]
    given: Mapping[str, Parameter]


# A card: the parameters of a step, or the steps of a group with theirs.
_Card = _Fields | Mapping[str, _Fields]


def check_overrides(spec: Spec, scope: Scope) -> Iterator[Problem]:
    """Check the paths of all three sections, and what values refer to."""
    cards = _cards(spec, scope)
    for path, _ in spec.overrides.properties:
        yield from _check_path(path, cards, schema=True)
    for path, _ in spec.overrides.ui_schema:
        if not path.value.startswith("ui:"):
            yield from _check_path(path, cards, schema=False)
    if spec.overrides.definitions or spec.overrides.properties:
        yield from _check_definitions(spec, cards)


def _cards(spec: Spec, scope: Scope) -> dict[str, _Card]:
    cards: dict[str, _Card] = {}
    for member in spec.workflow:
        if isinstance(member, TaskGroup):
            if member.title:
                cards[member.title.value] = {
                    step.id.value: _fields(step, scope) for step in member.steps if step.id
                }
        elif member.id:
            cards[member.id.value] = _fields(member, scope)
    return cards


def _fields(step: Step, scope: Scope) -> _Fields:
    task, bound = scope.task(step.task), filled(step)
    takes = {one.name: one for one in (task.parameters if task else ()) if not one.wired}
    return _Fields(
        asked={name: one for name, one in takes.items() if name not in bound},
        given={name: one for name, one in takes.items() if name in bound},
    )


def _check_path(path: LocatedText, cards: Mapping[str, _Card], *, schema: bool) -> Iterator[Problem]:
    """Follow `<card>.properties.<name>…`; a uiSchema leaves `properties` out, and is free below the names."""
    found = split(path.value, cards)
    if found is None:
        yield _problem(path.at, "the form has no card", path.value.split(".")[0], cards)
        return
    card, segments = found
    here: _Card | Parameter = cards[card]
    while not isinstance(here, Parameter):
        if not segments or (not schema and segments[0].startswith("ui:")):
            return
        if schema:
            if segments[0] != "properties":
                return
            segments = segments[1:]
        if not segments:
            return
        name, segments = segments[0], segments[1:]
        fields = here.asked if isinstance(here, _Fields) else here
        if name not in fields:
            yield _no_field(path.at, name, here)
            return
        here = fields[name]
    if schema:
        yield from _check_inside(path.at, here.schema, segments)


def _no_field(at: Location, name: str, here: _Card) -> Problem:
    if isinstance(here, _Fields) and name in here.given:
        return _without_effect(at, f"the form has no field `{shown(name)}`: the spec sets its value")
    return _problem(at, "the form has no field", name, here.asked if isinstance(here, _Fields) else here)


def _check_inside(at: Location, node: Json, segments: tuple[str, ...]) -> Iterator[Problem]:
    """All but the last segment must be there; the last may be new, unless it would be a new field."""
    before = ""
    for number, segment in enumerate(segments):
        known = list(node) if isinstance(node, Mapping) else []
        new = isinstance(node, Mapping) and number == len(segments) - 1 and before != "properties"
        here, node = node, inside(node, segment)
        if node is None and not (new or (isinstance(here, Mapping) and segment in here)):
            yield _problem(at, "the schema has no key", segment, known)
            return
        before = segment


def _check_definitions(spec: Spec, cards: Mapping[str, _Card]) -> Iterator[Problem]:
    """Check the paths that begin with a type's name, and the types that values refer to."""
    fields = [one for card in cards.values() for one in (_fields_of(card))]
    asked = _types(one for part in fields for one in part.asked.values())
    given = _types(one for part in fields for one in part.given.values())
    overrides = spec.overrides
    values = [node for _, node in (*overrides.properties, *overrides.definitions)]
    wanted = [found for node in values for found in referred(node)]
    new = {path.value for path, _ in overrides.definitions if "." not in path.value}
    for path, _ in overrides.definitions:
        name, _, rest = path.value.partition(".")
        if name in asked and rest:
            yield from _check_inside(path.at, asked[name], tuple(rest.split(".")))
        elif name in given and name not in asked:
            what = f"no field of the form has the type `{shown(name)}`: the spec sets the values"
            yield _without_effect(path.at, what)
        elif name not in asked and not (name in new and name in {name for name, _ in wanted}):
            yield _problem(path.at, "no parameter has the type", name, asked)
    for name, at in wanted:
        if name not in asked and name not in new:
            # A form with a reference that leads to nothing cannot be shown.
            problem = _problem(at, "no parameter has the type", name, [*asked, *new])
            yield replace(problem, severity=Severity.ERROR)


def _fields_of(card: _Card) -> Iterable[_Fields]:
    return [card] if isinstance(card, _Fields) else card.values()


def _types(parameters: Iterable[Parameter]) -> dict[str, Json]:
    """Return the types that parameters are made of, by name."""
    found: dict[str, Json] = {}
    for one in parameters:
        for name, node in definitions(one.schema, one):
            found.setdefault(name, node)
        found |= one.schema.get("$defs", {})
    return found


def _without_effect(at: Location, message: str) -> Problem:
    hint = "remove the override, or the value from `partial`"
    return Problem(code="FL174", message=message, location=at, hint=hint, severity=Severity.WARNING)


def _problem(at: Location, what: str, name: str, known: Iterable[str]) -> Problem:
    names = list(known)
    hint = nearest(name, names) or (f"there are {', '.join(names[:8])}" if names else None)
    return Problem(
        code="FL160",
        message=f"{what} `{shown(name)}`",
        location=at,
        hint=hint,
        severity=Severity.WARNING,
    )
