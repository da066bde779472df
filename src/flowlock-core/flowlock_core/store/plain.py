"""Plain values as JSON and back, exactly: tuples stay tuples, infinities and NaN are there."""

import json
from math import isfinite
from typing import Any

_ATOMS = frozenset((type(None), bool, int, str))


def is_plain(value: Any) -> bool:
    """Return whether a value is made of texts, numbers, booleans, lists, tuples and mappings only."""
    kind = type(value)
    if kind in _ATOMS or kind is float:
        return True
    if kind is list or kind is tuple:
        return all(map(is_plain, value))
    if kind is dict:
        return all(is_plain(key) and is_plain(item) for key, item in value.items())
    return False


def to_plain_json(value: Any) -> bytes:
    """Write a plain value."""
    return json.dumps(_tagged(value), ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def from_plain_json(data: bytes) -> Any:
    """Read what `to_plain_json` has written; ValueError for anything else."""
    return _untagged(json.loads(data))


def _tagged(value: Any) -> Any:
    """Return what JSON can represent: a list stands for a container, its first item says which."""
    kind = type(value)
    if kind is float:
        return value if isfinite(value) else ["f", str(value)]
    if kind is list:
        return ["l", *map(_tagged, value)]
    if kind is tuple:
        return ["t", *map(_tagged, value)]
    if kind is dict:
        return ["d", *([_tagged(key), _tagged(item)] for key, item in value.items())]
    return value


def _untagged(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    match value:
        case ["f", str(text)]:
            return float(text)
        case ["l", *items]:
            return [_untagged(item) for item in items]
        case ["t", *items]:
            return tuple([_untagged(item) for item in items])
        case ["d", *pairs]:
            return {_untagged(key): _untagged(item) for key, item in pairs}
        case _:
            raise ValueError("not a plain value")
