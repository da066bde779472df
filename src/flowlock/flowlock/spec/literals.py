"""Literal values held against a JSON Schema; what a reference stands for is not known and not judged."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flowlock.errors import Location, nearest
from flowlock.spec.model import Environment, ListOf, Literal, MappingOf, Reference, Value
from flowlock.spec.paths import without_empty_choices
from flowlock_core.documents.nodes import shown

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

Json = Any
_SIMPLE: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
_PLAIN_KEYS = {"type", "title", "description", "default", "examples"}
_UNIONS = {"anyOf", "oneOf", "allOf", "not", "if"}
_WORDS = {
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mismatch:
    """A value that its schema refuses: where it stands, how it is reached, why."""

    at: Location
    path: str
    message: str
    hint: str | None = None


def mismatches(value: Value, schema: Mapping[str, Json]) -> Iterator[Mismatch]:
    """Yield what is wrong with the literal parts of a value."""
    unknown = list(_unknown(value, ()))
    if unknown == [()] or _plainly_right(value, schema):
        return
    for error in _errors(value, schema):
        path = tuple(error.absolute_path)
        if any(_about_unknown(str(error.validator), path, place) for place in unknown):
            continue
        yield from _explained(error, value)


def _errors(value: Value, schema: Mapping[str, Json]) -> list[Any]:
    """Return the validator's complaints; a task's own schema that it cannot apply judges nothing."""
    from jsonschema.exceptions import UnknownType
    from referencing.exceptions import Unresolvable

    try:
        return list(_validator(_Frozen(schema)).iter_errors(as_json(value)))
    except (UnknownType, Unresolvable, re.error):
        return []


def as_json(value: Value) -> Json:
    """Return the JSON form of a value, with null where a reference stands."""
    match value:
        case Literal():
            return value.value
        case ListOf():
            return [as_json(item) for item in value.items]
        case MappingOf():
            return {key.value: as_json(item) for key, item in value.entries}
        case Reference() | Environment():
            return None


def _unknown(value: Value, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    match value:
        case Reference() | Environment():
            yield path
        case ListOf():
            for index, item in enumerate(value.items):
                yield from _unknown(item, (*path, index))
        case MappingOf():
            for key, item in value.entries:
                yield from _unknown(item, (*path, key.value))
        case Literal():
            return


def _about_unknown(rule: str, path: tuple[str | int, ...], place: tuple[str | int, ...]) -> bool:
    """Tell whether a complaint may be about what stands for a reference, and so must not be believed."""
    if path[: len(place)] == place:
        return True
    return rule in _UNIONS | {"uniqueItems", "enum", "const"} and place[: len(path)] == path


def _plainly_right(value: Value, schema: Mapping[str, Json]) -> bool:
    """Recognise the common case without the validator: a scalar of the one type that is asked for."""
    if not isinstance(value, Literal) or not schema.keys() <= _PLAIN_KEYS:
        return False
    kinds = _SIMPLE.get(str(schema.get("type")))
    return kinds is not None and type(value.value) in kinds


class _Frozen:
    """A schema as a cache key: schemas of a catalog live as long as it does."""

    def __init__(self, schema: Mapping[str, Json]) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Frozen) and self.schema is other.schema


@lru_cache(maxsize=4096)
def _validator(frozen: _Frozen) -> "Validator":
    from jsonschema import Draft202012Validator

    return Draft202012Validator(without_empty_choices(dict(frozen.schema)))


def _explained(error: Any, value: Value) -> Iterator[Mismatch]:
    """Say it in words: the most telling of the errors under a union, at the innermost value."""
    from jsonschema.exceptions import best_match

    if error.validator in ("anyOf", "oneOf") and error.context and _same_kind(error):
        error = best_match(error.context, key=_depth) or error
    path = tuple(error.absolute_path)
    node = _at(value, path)
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for extra in [key for key in error.instance if key not in known]:
            yield Mismatch(
                at=_key(node, extra) or node.at,
                path=_path(path),
                message=f"unknown key `{shown(extra)}`",
                hint=nearest(extra, known) or f"the keys are {', '.join(known)}",
            )
        return
    hint = None
    if error.validator == "enum" and isinstance(error.instance, str):
        hint = nearest(error.instance, [one for one in error.validator_value if isinstance(one, str)])
    yield Mismatch(at=node.at, path=_path(path), message=_message(error), hint=hint)


def _message(error: Any) -> str:
    found = shown(_json(error.instance))
    match error.validator:
        case "type":
            return f"{_expected(error.validator_value)} is expected, not {found}"
        case "anyOf" | "oneOf":
            kinds = _union_kinds(error.validator_value)
            return f"{kinds} is expected, not {found}" if kinds else f"{found} has none of the allowed forms"
        case "enum":
            return f"{found} is not one of {', '.join(map(_json, error.validator_value))}"
        case "const":
            return f"{found} is not {_json(error.validator_value)}"
        case "required":
            return f"the key `{error.message.removesuffix(' is a required property')[1:-1]}` is missing"
        case _:
            return str(shown(error.message))


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _same_kind(error: Any) -> bool:
    """Tell whether a branch of the union takes a value of this JSON type and refuses something inside."""
    return any(child.validator != "type" or child.path for child in error.context)


def _depth(error: Any) -> Any:
    return (len(error.path), error.validator != "type")


def _expected(kinds: str | Sequence[str]) -> str:
    names = [kinds] if isinstance(kinds, str) else list(kinds)
    return " or ".join(_WORDS.get(name, name) for name in names)


def _union_kinds(branches: Sequence[Mapping[str, Json]]) -> str:
    names = [_expected(branch["type"]) for branch in branches if "type" in branch]
    return " or ".join(dict.fromkeys(names)) if len(names) == len(branches) else ""


def _at(value: Value, path: Sequence[str | int]) -> Value:
    """Follow a path as far as it leads."""
    for part in path:
        match value:
            case ListOf() if isinstance(part, int) and part < len(value.items):
                value = value.items[part]
            case MappingOf():
                value = next((item for key, item in value.entries if key.value == part), value)
            case _:
                break
    return value


def _key(value: Value, name: str) -> Location | None:
    """Return where a mapping says a key."""
    entries = value.entries if isinstance(value, MappingOf) else ()
    return next((key.at for key, _ in entries if key.value == name), None)


def _path(path: Sequence[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{shown(part)}" for part in path)
    return f"`{text.lstrip('.')}`" if text else ""
