"""`when` conditions of match specs: specs joined by `and`, `or` and parentheses."""

import re
from collections.abc import Callable

_TOKEN = re.compile(r"\(|\)|\band\b|\bor\b")


def holds(condition: str, is_met: Callable[[str], bool]) -> bool:
    """Evaluate a condition, `and` binding closer than `or`; ValueError for one that is malformed."""
    value, rest = _disjunction(_tokens(condition), is_met)
    if rest:
        raise ValueError(f"`{condition}` is not a condition")
    return value


def _tokens(condition: str) -> list[str]:
    parts, at = [], 0
    for operator in _TOKEN.finditer(condition):
        parts += [condition[at : operator.start()].strip(), operator[0]]
        at = operator.end()
    return [part for part in (*parts, condition[at:].strip()) if part]


def _disjunction(tokens: list[str], is_met: Callable[[str], bool]) -> tuple[bool, list[str]]:
    value, rest = _conjunction(tokens, is_met)
    while rest and rest[0] == "or":
        other, rest = _conjunction(rest[1:], is_met)
        value = value or other
    return value, rest


def _conjunction(tokens: list[str], is_met: Callable[[str], bool]) -> tuple[bool, list[str]]:
    value, rest = _operand(tokens, is_met)
    while rest and rest[0] == "and":
        other, rest = _operand(rest[1:], is_met)
        value = value and other
    return value, rest


def _operand(tokens: list[str], is_met: Callable[[str], bool]) -> tuple[bool, list[str]]:
    if not tokens:
        raise ValueError("the condition ends where a match spec is expected")
    if tokens[0] != "(":
        return is_met(tokens[0]), tokens[1:]
    value, rest = _disjunction(tokens[1:], is_met)
    if not rest or rest[0] != ")":
        raise ValueError("the condition has an unclosed parenthesis")
    return value, rest[1:]
