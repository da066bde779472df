"""The policy of a step in a spec: how its calls are executed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flowlock.errors import Location, Problem
from flowlock.spec.model import Policy
from flowlock_core.documents.nodes import Node, Scalar

MAX_RETRIES, LONGEST_BACKOFF, LONGEST_TIMEOUT = 100, 3600, 7 * 24 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyKey:
    """A key of a step that belongs to its policy: what fits, in words, as a check and as JSON Schema."""

    words: str
    fits: Callable[[Any], bool]
    schema: Mapping[str, Any]


def _is_seconds(value: Any, longest: float) -> bool:
    # Neither infinity nor what is not a number is in the range.
    return type(value) in (int, float) and 0 < value <= longest


POLICY_KEYS = {
    "retries": PolicyKey(
        words=f"an integer from 0 to {MAX_RETRIES}",
        fits=lambda value: type(value) is int and 0 <= value <= MAX_RETRIES,
        schema={"type": "integer", "minimum": 0, "maximum": MAX_RETRIES},
    ),
    "backoff": PolicyKey(
        words=f"a number of seconds above 0, up to {LONGEST_BACKOFF}",
        fits=lambda value: _is_seconds(value, LONGEST_BACKOFF),
        schema={"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_BACKOFF},
    ),
    "timeout": PolicyKey(
        words=f"a number of seconds above 0, up to {LONGEST_TIMEOUT} (7 days)",
        fits=lambda value: _is_seconds(value, LONGEST_TIMEOUT),
        schema={"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_TIMEOUT},
    ),
    "cache": PolicyKey(
        words="true or false", fits=lambda value: isinstance(value, bool), schema={"type": "boolean"}
    ),
}


def read_policy(step: Mapping[str, Node], problems: list[Problem]) -> Policy:
    """Read the policy from the values of a step; add what is wrong to the problems."""
    read = {name: step[name] for name in POLICY_KEYS if name in step and not _is_absent(step[name])}
    settings: dict[str, int | float] = {}
    for name, node in read.items():
        key = POLICY_KEYS[name]
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int | float) and key.fits(value):
            settings[name] = value
        else:
            problems.append(_problem("FL112", f"`{name}` must be {key.words}", node.at))
    if "backoff" in read and "retries" not in read:
        problems.append(_problem("FL111", "`backoff` needs the key `retries`", read["backoff"].at))
    return Policy(settings=settings)


def _is_absent(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _problem(code: str, message: str, at: Location) -> Problem:
    return Problem(code=code, message=message, location=at)
