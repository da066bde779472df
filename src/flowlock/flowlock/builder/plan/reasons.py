"""Why a package is built again: which inputs differ from those of what it last had in the channel. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flowlock.errors import shortened

SHOWN = 3
# Differs from every value of a document.
ABSENT = object()


def why(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str:
    """Return the reason, from the inputs and surroundings of the build in the channel and those of now."""
    if before is None:
        return "new"
    return "; ".join(_differences(before, now)) or "its artifact is missing or damaged"


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if before.get("schema") != now.get("schema"):
        yield "the build schema of flowlock changed"
    lists = {
        "source": _changed_names(before, now, "sources"),
        "recipe": sorted(_changed_keys(before.get("recipe", {}), now.get("recipe", {}))),
        "the build environment": _changed_names(before, now, "needs"),
    }
    for what, names in lists.items():
        if names:
            yield f"{what} changed ({shortened(names, SHOWN)})"
    yield from _changed_values(before, now)
    old_pins = before.get("pins", [])
    pins = [pin for pin in now.get("pins", []) if pin not in old_pins]
    if pins:
        yield f"build pin changed ({shortened(pins, SHOWN)})"
    for key in _changed_names(before, now, "surroundings"):
        yield f"{key} changed"


def _changed_values(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in ("patches", "variant"):
        if before.get(key) != now.get(key):
            yield f"{key} changed"
    if before.get("epoch") != now.get("epoch"):
        yield f"epoch changed ({before.get('epoch')} → {now.get('epoch')})"


def _changed_names(before: Mapping[str, Any], now: Mapping[str, Any], table: str) -> list[str]:
    old, new = before.get(table, {}), now.get(table, {})
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))


def _changed_keys(before: Any, now: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in sorted({*map(str, before), *map(str, now)}):
            pair = before.get(key, ABSENT), now.get(key, ABSENT)
            yield from _changed_keys(*pair, f"{path}.{key}" if path else key)
    elif _hashed_text(before) != _hashed_text(now):
        yield path


def _hashed_text(value: Any) -> str:
    """Return a value in the form that is hashed: to Python `1`, `1.0` and `True` are equal."""
    return json.dumps(value, sort_keys=True, default=str)
