"""What a test case expects, compared with what a run gave."""

import math
from typing import Any

import pytest

from flowlock_core.testing.expectations import differences


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (0.3, 0.1 + 0.2), (1.0, 1), (1e-30, 1e-30 * (1 + 1e-12)), (0.0, -0.0), (1e300, 1e300 * (1 + 1e-12)),
        ("2024-01-01", "2024-01-01T00:00:00"), ("2024-01-01T12:00+01:00", "2024-01-01T11:00:00+00:00"),
        (None, None), (True, True), (12345678901234567890, 12345678901234567890), ("x", "x"),
    ],
)  # fmt: skip
def test_what_is_the_same_is_equal(expected: Any, actual: Any) -> None:
    assert differences(expected, actual) == []


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (2e-10, 5e-10), (0.0, 1e-300), (1.0, 1.00000001), (1e-30, 0.0), (True, 1), (1, True), (False, 0),
        (0, None),
        (None, 0), (None, ""), (None, False), ("1", 1), (1, "1"), ("2024-01-01", "2024-01-02"), ("", None),
        ("2024-01-01", "2024-01-01T00:00:00+00:00"), (1234567890123456789, 1234567890123456788),
        ([], {}), ({}, None), (10**400, 1.0), ("2024-01-01", "2024-01-01T00:00:00.000000001"),
    ],
)  # fmt: skip
def test_what_is_not_the_same_differs(expected: Any, actual: Any) -> None:
    assert len(differences(expected, actual)) == 1


def test_a_mapping_may_hold_more_and_a_list_may_not() -> None:
    assert differences({"a": 1}, {"a": 1, "b": 2}) == []
    assert differences([1], [1, 2]) == [("", "1 items are expected, but there are 2")]
    assert differences({"a": [{"b": 1}]}, {"a": [{"b": 2}]}) == [(".a[0].b", "expected 1, got 2")]
    assert differences({"a": 1}, {}) == [("", "`a` is missing")]
    assert differences([None, math.pi], [True, 3]) == [
        ("[0]", "expected null, got true"),
        ("[1]", "expected 3.141592653589793, got 3"),
    ]
