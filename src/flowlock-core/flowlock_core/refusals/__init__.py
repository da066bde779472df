"""pydantic's errors about a value as problems that people read: one for each place, in their words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from flowlock_core.errors import Problem, nearest
from flowlock_core.refusals.sentences import (
    CONNECTION_ERROR,
    SKIPPED_PHRASE,
    expected_words,
    sentence,
    shown,
)

_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Refusal:
    """One of pydantic's errors; `path` leads through the value, without pydantic's names of union members.

    `union` is where a union stands of which this is one member's error, if it is.
    """

    item: ErrorDetails
    path: tuple[str | int, ...]
    union: tuple[str | int, ...] | None


def problems_of(name: str, error: ValidationError) -> list[Problem]:
    """Turn pydantic's errors about one parameter into ours, one by one, with its names of union members."""
    return [_problem(name, item["loc"], [item]) for item in error.errors(include_url=False)]


def problems_of_value(name: str, value: Any, error: ValidationError) -> list[Problem]:
    """Turn pydantic's errors about one parameter's value into ours."""
    refusals = [_refusal(item, value) for item in error.errors(include_url=False)]
    by_path: dict[tuple[str | int, ...], list[ErrorDetails]] = {}
    for refusal in _deepest(refusals):
        by_path.setdefault(refusal.path, []).append(refusal.item)
    return [_problem(name, path, items) for path, items in by_path.items()]


def _refusal(item: ErrorDetails, value: Any) -> _Refusal:
    path: list[str | int] = []
    union: tuple[str | int, ...] | None = None
    current = value
    last, missing = len(item["loc"]) - 1, item["type"] == "missing"
    for number, part in enumerate(item["loc"]):
        if isinstance(part, int) and isinstance(current, Sequence):
            current = current[part] if part < len(current) else None
            path.append(part)
        elif isinstance(current, Mapping) and (part in current or (missing and number == last)):
            current = current.get(part)
            path.append(part)
        elif union is None:
            union = tuple(path)
    return _Refusal(item=item, path=tuple(path), union=union)


def _deepest(refusals: Sequence[_Refusal]) -> Iterator[_Refusal]:
    """Yield the errors; of a union's, only those of the members that accept most of the value."""
    depths: dict[tuple[str | int, ...], int] = {}
    for refusal in refusals:
        if refusal.union is not None:
            depths[refusal.union] = max(depths.get(refusal.union, 0), len(refusal.path))
    for refusal in refusals:
        if refusal.union is None or len(refusal.path) == depths[refusal.union]:
            yield refusal


def _problem(name: str, path: Sequence[str | int], items: Sequence[ErrorDetails]) -> Problem:
    parameter = name + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    first = items[0]
    if len(items) == 1 and first["type"] == "missing":
        return Problem(code="FL727", message="a value is required", parameter=parameter)
    if len(items) == 1 and first["type"] == "extra_forbidden":
        return Problem(code="FL725", message="unknown key", parameter=parameter, hint="remove it")
    if first["type"] == CONNECTION_ERROR:
        context = first["ctx"]
        return Problem(
            code=context["code"],
            message=context["message"],
            parameter=parameter,
            location=context["location"],
            hint=context["hint"],
        )
    return Problem(code="FL728", message=_message(items), parameter=parameter, hint=_nearest_choice(items))


def _message(items: Sequence[ErrorDetails]) -> str:
    """Return one sentence for all members of a union that refuse a value, if each expects something."""
    expected = [words for words in dict.fromkeys(map(expected_words, items)) if words]
    is_choice = len(expected) > 1
    if not is_choice:
        return sentence(items[0])
    if "a number" in expected and "an integer" in expected:
        expected.remove("an integer")
    if SKIPPED_PHRASE in expected and len(expected) > 1:
        expected.remove(SKIPPED_PHRASE)
    alternatives = expected[0] if len(expected) == 1 else f"{', '.join(expected[:-1])} or {expected[-1]}"
    return f"expected {alternatives}, not {shown(items[0]['input'])}"


def _nearest_choice(items: Sequence[ErrorDetails]) -> str | None:
    """Return the nearest of the words that an enumeration knows."""
    for item in items:
        if item["type"] in ("enum", "literal_error") and isinstance(item["input"], str):
            return nearest(item["input"], _QUOTED.findall(item.get("ctx", {}).get("expected", "")))
    return None
