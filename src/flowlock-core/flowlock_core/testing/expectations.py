"""What a test case expects of a result, compared: strictly, but for the last digits of numbers."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from flowlock_core.documents.times import same_time

# Numbers are compared to nine digits, whatever their size.
_TOLERANCE = 1e-9


def differences(expected: Any, actual: Any, path: str = "") -> list[tuple[str, str]]:
    """Return where a result lacks what is expected of it: (path, sentence) pairs.

    Mappings may hold more than is expected, lists must not. Numbers with a fraction are equal to nine digits,
    integers to all; texts that name the same time are equal; true is not 1, and null is nothing but null.
    """
    return list(_differences(expected, actual, path))


def _differences(expected: Any, actual: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key, wanted in expected.items():
            if key in actual:
                yield from _differences(wanted, actual[key], f"{path}.{key}")
            else:
                yield path, f"`{key}` is missing"
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield path, f"{len(expected)} items are expected, but there are {len(actual)}"
            return
        for number, (wanted, item) in enumerate(zip(expected, actual, strict=True)):
            yield from _differences(wanted, item, f"{path}[{number}]")
    elif not _equal(expected, actual):
        yield path, f"expected {_shown(expected)}, got {_shown(actual)}"


def _equal(expected: Any, actual: Any) -> bool:
    kinds = {type(expected), type(actual)}
    if kinds == {str}:
        return expected == actual or same_time(expected, actual)
    if float in kinds and kinds <= {int, float}:
        return _close(expected, actual)
    return len(kinds) == 1 and bool(expected == actual)


def _close(expected: float, actual: float) -> bool:
    try:
        return math.isclose(expected, actual, rel_tol=_TOLERANCE)
    except OverflowError:
        # An integer beyond all floats is not close to one.
        return False


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
