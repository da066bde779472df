"""Rules for `rjsf-overrides`: every path leads to something that the form has.

An override without a target has no effect: published specs contain outdated ones, so it is a warning. A
value that refers to a type which the form does not have is an error.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flowlock.errors import Location, Problem, Severity, nearest_or_all
from flowlock.spec.catalog import Scope, filled
from flowlock.spec.model import LocatedText, Overrides, Spec, Step, TaskGroup
from flowlock.spec.paths import definitions, inside, referred, split
from flowlock_core.documents.nodes import shown
from flowlock_core.schema import Parameter

Json = Any


@dataclass(frozen=True, slots=True)
class _Fields:
    """The parameters of a step: those that the form asks for, and those that the spec gives."""

    in_form: Mapping[str, Parameter]
    in_spec: Mapping[str, Parameter]


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
    parameters = task.parameters if task else ()
    fields = {parameter.name: parameter for parameter in parameters if not parameter.wired}
    return _Fields(
        in_form={name: parameter for name, parameter in fields.items() if name not in bound},
        in_spec={name: parameter for name, parameter in fields.items() if name in bound},
    )


def _check_path(path: LocatedText, cards: Mapping[str, _Card], *, schema: bool) -> Iterator[Problem]:
    """Follow `<card>.properties.<name>…`; a uiSchema leaves `properties` out, and is free below the names."""
    parts = split(path.value, cards)
    if parts is None:
        yield _problem(path.at, "the form has no card", path.value.split(".")[0], cards)
        return
    card, segments = parts
    here: _Card | Parameter = cards[card]
    while not isinstance(here, Parameter):
        field = _next_field(segments, schema=schema)
        if field is None:
            return
        name, segments = field
        fields = here.in_form if isinstance(here, _Fields) else here
        if name not in fields:
            yield _no_field(path.at, name, here)
            return
        here = fields[name]
    if schema:
        yield from _check_inside(path.at, here.schema, segments)


def _next_field(segments: tuple[str, ...], *, schema: bool) -> tuple[str, tuple[str, ...]] | None:
    """Return the field that a path goes on to and what follows it; None if it names a setting of the card."""
    if schema:
        if segments[:1] != ("properties",):
            return None
        segments = segments[1:]
    elif segments and segments[0].startswith("ui:"):
        return None
    return (segments[0], segments[1:]) if segments else None


def _no_field(at: Location, name: str, card: _Card) -> Problem:
    if not isinstance(card, _Fields):
        return _problem(at, "the form has no field", name, card)
    if name in card.in_spec:
        return _without_effect(at, f"the form has no field `{shown(name)}`: the spec sets its value")
    return _problem(at, "the form has no field", name, card.in_form)


def _check_inside(at: Location, node: Json, segments: tuple[str, ...]) -> Iterator[Problem]:
    """All but the last segment must be there; the last may be new, unless it would be a new field."""
    before = ""
    for number, segment in enumerate(segments):
        keys = list(node) if isinstance(node, Mapping) else []
        new = isinstance(node, Mapping) and number == len(segments) - 1 and before != "properties"
        here, node = node, inside(node, segment)
        if node is None and not (new or (isinstance(here, Mapping) and segment in here)):
            yield _problem(at, "the schema has no key", segment, keys)
            return
        before = segment


def _check_definitions(spec: Spec, cards: Mapping[str, _Card]) -> Iterator[Problem]:
    """Check the paths that begin with a type's name, and the types that values refer to."""
    steps = list(_steps(cards))
    in_form = _types(field for step in steps for field in step.in_form.values())
    in_spec = _types(field for step in steps for field in step.in_spec.values())
    overrides = spec.overrides
    references = list(_references(overrides))
    referenced = {name for name, _ in references}
    # A path that is only a name may define a custom type, for the values of others to refer to.
    added = {path.value for path, _ in overrides.definitions if "." not in path.value}
    for path, _ in overrides.definitions:
        yield from _check_type_path(path, in_form, in_spec, added & referenced)
    yield from _check_references(references, [*in_form, *added])


def _check_type_path(
    path: LocatedText, in_form: Mapping[str, Json], in_spec: Mapping[str, Json], own: set[str]
) -> Iterator[Problem]:
    """Check a path that begins with a type's name; `own` are the types that the overrides define and use."""
    name, _, rest = path.value.partition(".")
    if name in in_form:
        if rest:
            yield from _check_inside(path.at, in_form[name], tuple(rest.split(".")))
    elif name in in_spec:
        what = f"no field of the form has the type `{shown(name)}`: the spec sets the values"
        yield _without_effect(path.at, what)
    elif name not in own:
        yield _problem(path.at, "no parameter has the type", name, in_form)


def _references(overrides: Overrides) -> Iterator[tuple[str, Location]]:
    """Yield the types that the values of overrides refer to, and where."""
    for _, node in (*overrides.properties, *overrides.definitions):
        yield from referred(node)


def _check_references(references: Iterable[tuple[str, Location]], types: list[str]) -> Iterator[Problem]:
    for name, at in references:
        if name not in types:
            # A form with a broken reference cannot be shown.
            problem = _problem(at, "no parameter has the type", name, types)
            yield replace(problem, severity=Severity.ERROR)


def _steps(cards: Mapping[str, _Card]) -> Iterator[_Fields]:
    """Yield the fields of every step, those in groups too."""
    for card in cards.values():
        if isinstance(card, _Fields):
            yield card
        else:
            yield from card.values()


def _types(parameters: Iterable[Parameter]) -> dict[str, Json]:
    """Return the types that parameters are made of, by name."""
    types: dict[str, Json] = {}
    for parameter in parameters:
        for name, node in definitions(parameter.schema, parameter):
            types.setdefault(name, node)
        types |= parameter.schema.get("$defs", {})
    return types


def _without_effect(at: Location, message: str) -> Problem:
    hint = "remove the override, or the value from `partial`"
    return Problem(code="FL174", message=message, location=at, hint=hint, severity=Severity.WARNING)


def _problem(at: Location, what: str, name: str, choices: Iterable[str]) -> Problem:
    names = list(choices)
    hint = nearest_or_all(name, names) if names else None
    return Problem(
        code="FL160",
        message=f"{what} `{shown(name)}`",
        location=at,
        hint=hint,
        severity=Severity.WARNING,
    )
