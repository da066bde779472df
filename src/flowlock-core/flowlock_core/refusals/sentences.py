"""What pydantic says of a value, in plain words: one sentence for each kind of error."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

SHOWN = 60
# The type of errors whose message is what is expected: "a table".
KIND_ERROR = "flowlock_kind"
# The type of errors of a connection's settings, which bring code, place and hint with them.
CONNECTION_ERROR = "flowlock_connection"
# What a workflow gives without anyone's doing is not requested from people.
SKIPPED_PHRASE = "the result of a skipped step"

_DATE = "a date such as 2024-02-29"
_TIME = "a date or time such as 2024-02-29T12:30"
# By the beginning of an error's type: `int_type`, `int_parsing` and `int_from_float` expect the same.
_EXPECTED = {
    "string_type": "a string",
    "string_sub_type": "a string",
    "string_unicode": "a string",
    "int_": "an integer",
    "float_": "a number",
    "decimal_": "a decimal number",
    "bool_": "true or false",
    "date_": _DATE,
    "datetime_": _TIME,
    "time_delta_": "a duration such as PT1H30M",
    "time_": "a time such as 12:30",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "iterable_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "none_required": "nothing",
    "path_type": "a path",
    "url_": "a URL",
    "uuid_": "a UUID",
    "bytes_": "a string",
    "callable_type": "a function",
}
_CLASSES = {"Sequence": "a list", "Mapping": "a mapping"}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least {}"),
    "greater_than": ("gt", "more than {}"),
    "less_than_equal": ("le", "at most {}"),
    "less_than": ("lt", "less than {}"),
    "multiple_of": ("multiple_of", "a multiple of {}"),
}
_REASONS = ("date_from_datetime_parsing", "date_parsing", "datetime_from_date_parsing", "datetime_parsing")


def sentence(item: ErrorDetails) -> str:
    """Return why a value is refused: the expected value and the actual one."""
    kind, context = item["type"], item.get("ctx", {})
    for matches, say in _SENTENCES.items():
        if kind in matches:
            return say(item, context)
    value = shown(item["input"])
    if kind in _BOUNDS:
        key, bound = _BOUNDS[kind]
        limit = context[key]
        # As the task states it: of a parameter that is a float, pydantic reports 0 as 0.0.
        if isinstance(limit, float) and limit.is_integer():
            limit = int(limit)
        return f"expected {bound.format(limit)}, not {value}"
    words = expected_words(item)
    if words:
        return f"expected {words}, not {value}{_reason(item, context)}"
    return f"{value} is not valid: {_lowered(item['msg'])}"


def expected_words(item: ErrorDetails) -> str | None:
    """Return what kind of value is expected, None for an error that is not about kinds."""
    if item["type"] == KIND_ERROR:
        return item["msg"]
    if item["type"] == "is_instance_of":
        return _CLASSES.get(item.get("ctx", {}).get("class", ""))
    for beginning, words in _EXPECTED.items():
        if item["type"].startswith(beginning):
            return words
    return None


def _reason(item: ErrorDetails, context: Mapping[str, Any]) -> str:
    """Return why a text that looks like a date is none, as a day that its month does not have."""
    looks_like_one = isinstance(item["input"], str) and item["input"][:4].isdecimal()
    return (
        f": {context['error']}" if item["type"] in _REASONS and looks_like_one and "error" in context else ""
    )


def _own_words(item: ErrorDetails, _context: Mapping[str, Any]) -> str:
    return _lowered(item["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, "))


def _choices(item: ErrorDetails, context: Mapping[str, Any]) -> str:
    choices = context.get("expected", context.get("expected_tags", "")).replace("'", "`")
    return f"{shown(item['input'])} is not one of {choices.replace(' or ', ', ')}"


def _instance(item: ErrorDetails, context: Mapping[str, Any]) -> str:
    words = expected_words(item) or f"a {context.get('class', 'value of another type')}"
    return f"expected {words}, not {shown(item['input'])}"


def _length(item: ErrorDetails, context: Mapping[str, Any]) -> str:
    if "min_length" in context:
        bound, number = "at least", context["min_length"]
    else:
        bound, number = "at most", context["max_length"]
    kind = "character" if item["type"].startswith("string") else "item"
    plural = "" if number == 1 else "s"
    return f"expected {bound} {number} {kind}{plural}, not {len(item['input'])}: {shown(item['input'])}"


def _pattern(item: ErrorDetails, context: Mapping[str, Any]) -> str:
    return f"{shown(item['input'])} does not match the pattern {context['pattern']}"


def _without_tag(_item: ErrorDetails, context: Mapping[str, Any]) -> str:
    return (
        f"the key {str(context['discriminator']).replace(chr(39), '`')} "
        "is missing; it selects the kind of value"
    )


def _tag(_item: ErrorDetails, context: Mapping[str, Any]) -> str:
    return f"`{context['tag']}` is not one of {context['expected_tags'].replace(chr(39), '`')}"


_SENTENCES: dict[tuple[str, ...], Callable[[ErrorDetails, Mapping[str, Any]], str]] = {
    ("value_error", "assertion_error"): _own_words,
    ("enum", "literal_error"): _choices,
    ("is_instance_of", "is_subclass_of"): _instance,
    ("too_short", "too_long", "string_too_short", "string_too_long"): _length,
    ("string_pattern_mismatch",): _pattern,
    ("union_tag_not_found",): _without_tag,
    ("union_tag_invalid",): _tag,
}


def shown(value: Any) -> str:
    """Return a value as written in YAML or JSON, on one short line, or the name of its kind."""
    phrase = phrase_of(type(value))
    if phrase is not None:
        return phrase
    if isinstance(value, list | tuple) and any(phrase_of(type(item)) for item in value):
        return f"a list that begins with {shown(value[0])}"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def phrase_of(kind: type) -> str | None:
    """Return the name of the values of a class that only steps give, None for any other class."""
    if kind.__name__ == "DataFrame":
        return "a table"
    phrase: str | None = getattr(kind, "phrase", None)
    return phrase


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
