"""The place of a value in a JSON text is found by the keys that lead to it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from flowlock.edges.json_places import place_of

TEXT = """{
  "a": {"b": [1, {"c": "}"}, [],
    5], "\\u0064": null},
  "": {"a": 1}
}
"""


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ([], "{", (1, 1)),
        (["a"], "{", (2, 8)),
        (["a", "b", 0], "1", (2, 15)),
        (["a", "b", 1, "c"], '"}"', (2, 24)),
        (["a", "b", 3], "5", (3, 5)),
        (["a", "d"], "null", (3, 19)),
        (["", "a"], "1", (4, 13)),
        (["a", "b", 7, "x"], "[", (2, 14)),
        (["x"], "{", (1, 1)),
    ],
)
def test_each_value_has_its_place(path: Sequence[Any], value: str, place: tuple[int, int]) -> None:
    json.loads(TEXT)
    assert place_of(TEXT, path) == place
    line, column = place
    assert TEXT.splitlines()[line - 1][column - 1 :].startswith(value)


def test_a_text_of_nothing_has_one_place() -> None:
    assert place_of("", ["a"]) == (1, 1)
