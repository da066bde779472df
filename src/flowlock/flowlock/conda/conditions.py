"""`when` conditions of match specs: specs joined by `and`, `or` and parentheses."""

import re
from collections.abc import Callable

_TOKEN = re.compile(r"\(|\)|\band\b|\bor\b")


def holds(condition: str, is_met: Callable[[str], bool]) -> bool:
    """Evaluate a condition, `and` binding closer than `or`; ValueError for one that is malformed."""
    tokens = _tokens(condition)
    value, rest = _either(tokens, is_met)
    if rest:
        raise ValueError(f"`{condition}` is no condition")
    return value


def _tokens(condition: str) -> list[str]:
    parts, at = [], 0
    for found in _TOKEN.finditer(condition):
        parts += [condition[at : found.start()].strip(), found[0]]
        at = found.end()
    return [part for part in (*parts, condition[at:].strip()) if part]


def _either(tokens: list[str], is_met: Callable[[str], bool]) -> tuple[bool, list[str]]:
    value, rest = _both(tokens, is_met)
    while rest and rest[0] == "or":
        other, rest = _both(rest[1:], is_met)
        value = value or other
    return value, rest


def _both(tokens: list[str], is_met: Callable[[str], bool]) -> tuple[bool, list[str]]:
    value, rest = _one(tokens, is_met)
    while rest and rest[0] == "and":
        other, rest = _one(rest[1:], is_met)
        value = value and other
    return value, rest


def _one(tokens: list[str], is_met: Callable[[str], bool]) -> tuple[bool, list[str]]:
    if not tokens:
        raise ValueError("a condition ends where a match spec was expected")
    if tokens[0] != "(":
        return is_met(tokens[0]), tokens[1:]
    value, rest = _either(tokens[1:], is_met)
    if not rest or rest[0] != ")":
        raise ValueError("a condition has an open parenthesis")
    return value, rest[1:]
