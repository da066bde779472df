"""The literal values of a spec as checks by the types of its parameters, and the verdicts as problems."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flowlock.errors import Location, Problem, nearest
from flowlock.spec.model import (
    EnvironmentVariable,
    Iteration,
    IterationKind,
    ListOf,
    Literal,
    MappingOf,
    Reference,
    Spec,
    Value,
)
from flowlock_core.documents.nodes import shown
from flowlock_core.parameters.literals import LiteralCheck, Path, Refusal, RefusalKind
from flowlock_core.schema import Parameter

Json = Any
PAIR = 2


def literal_checks(spec: Spec) -> Iterator[LiteralCheck]:
    """Yield a check for each value that a spec gives to an argument, where a part of it is known."""
    for step in spec.steps:
        if step.task is None:
            continue
        for argument in step.partial:
            yield from _checks(step.task.value, argument.name.value, argument.value)
        for iteration in step.iterations:
            for name, part in iterated(iteration):
                yield from _checks(step.task.value, name, part)


def iterated(iteration: Iteration) -> Iterator[tuple[str, Value]]:
    """Yield what the literal items of `argvalues` give to each argument, as far as that can be said."""
    if not isinstance(iteration.argvalues, ListOf):
        return
    names = [name.value for name in iteration.argnames]
    for item in iteration.argvalues.items:
        yield from zip(names, _parts(item, iteration), strict=False)


def _parts(item: Value, iteration: Iteration) -> tuple[Value, ...]:
    if iteration.over is IterationKind.MAPVALUES:
        if not isinstance(item, ListOf) or len(item.items) != PAIR:
            return ()
        item = item.items[1]
    if len(iteration.argnames) == 1:
        return (item,)
    if isinstance(item, ListOf) and len(item.items) == len(iteration.argnames):
        return item.items
    return ()


def _checks(task: str, parameter: str, value: Value) -> Iterator[LiteralCheck]:
    check = literal_check(task, parameter, value)
    if () not in check.holes:
        yield check


def literal_check(task: str, parameter: str, value: Value) -> LiteralCheck:
    """Return the check about a value for a parameter of the task that a bare or qualified name means."""
    name = task.rpartition(".")[2]
    return LiteralCheck.of(name, parameter, _as_json(value), list(_holes(value, ())))


def _as_json(value: Value) -> Json:
    match value:
        case Literal():
            return value.value
        case ListOf():
            return [_as_json(item) for item in value.items]
        case MappingOf():
            return {key.value: _as_json(item) for key, item in value.entries}
        case Reference() | EnvironmentVariable():
            return None


def _holes(value: Value, path: Path) -> Iterator[Path]:
    match value:
        case Reference() | EnvironmentVariable():
            yield path
        case ListOf():
            for index, item in enumerate(value.items):
                yield from _holes(item, (*path, index))
        case MappingOf():
            for key, item in value.entries:
                yield from _holes(item, (*path, key.value))
        case Literal():
            return


def problem_of(refusal: Refusal, value: Value, parameter: Parameter) -> Problem:
    """Place a refusal in the spec, and say it of the parameter."""
    path, message, hint = refusal.path, refusal.message, refusal.hint
    at = _at(value, path).at
    if refusal.kind is RefusalKind.UNKNOWN_KEY:
        keys = known_keys(parameter.accepts or parameter.schema, path[:-1])
        message = f"unknown key `{shown(path[-1])}`"
        hint = nearest(path[-1], keys) or (f"the keys are {', '.join(keys)}" if keys else hint)
        at = _location_of_key(_at(value, path[:-1]), path[-1]) or at
    elif refusal.kind is RefusalKind.MISSING_KEY:
        message = f"the key `{shown(path[-1])}` is missing"
    if refusal.kind is not RefusalKind.VALUE:
        path = path[:-1]
    inside = f" at {_path(value, path)}" if path else ""
    return Problem(code="FL142", message=f"`{parameter.name}`{inside}: {message}", location=at, hint=hint)


def _at(value: Value, path: Sequence[str]) -> Value:
    """Follow a path as far as it leads."""
    for part in path:
        match value:
            case ListOf() if part.isdecimal() and int(part) < len(value.items):
                value = value.items[int(part)]
            case MappingOf():
                entries = {key.value: item for key, item in value.entries}
                value = entries.get(part, value)
            case _:
                break
    return value


def _location_of_key(value: Value, name: str) -> Location | None:
    """Return the location of a key of a mapping."""
    locations = {key.value: key.at for key, _ in value.entries} if isinstance(value, MappingOf) else {}
    return locations.get(name)


def _path(value: Value, path: Sequence[str]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(value, ListOf) else f".{shown(part)}"
        value = _at(value, [part])
    return f"`{text.lstrip('.')}`"


def known_keys(schema: Mapping[str, Json], path: Sequence[str]) -> list[str]:
    """Return the keys that a schema has for the mapping at a path of a value."""
    names: dict[str, None] = {}
    for node in _choices(schema):
        properties = node.get("properties", {})
        if not path:
            names |= dict.fromkeys(properties)
            continue
        inner = properties.get(path[0]) or node.get("items") or node.get("additionalProperties")
        if isinstance(inner, dict):
            names |= dict.fromkeys(known_keys(inner, path[1:]))
    return list(names)


def _choices(schema: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    yield schema
    for union in ("anyOf", "oneOf", "allOf"):
        for choice in schema.get(union, ()):
            yield from _choices(choice)
