"""Changes of parameters are told, and never called compatible when they are not."""

from itertools import product
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from flowlock.compile.compatibility import Parameters, changes


def steps(required: tuple[str, ...] = (), **parameters: Any) -> dict[str, Any]:
    step = {"type": "object", "properties": parameters, "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"one": step | ({"required": list(required)} if required else {})},
        "additionalProperties": False,
    }


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("old", "new", "part", "said"),
    [
        (steps(a=TEXT), steps(a=TEXT | {"title": "Other", "description": "words"}), "none", []),
        (steps(a=TEXT), steps(a=TEXT, b=WHOLE), "minor", ["one.b: is new"]),
        (steps(a=TEXT), steps(("b",), a=TEXT, b=WHOLE), "major", ["one.b: is new and required"]),
        (steps(a=TEXT, b=TEXT), steps(a=TEXT), "major", ["one.b: was removed"]),
        (steps(a=TEXT), steps(("a",), a=TEXT), "major", ["one.a: is now required"]),
        (steps(("a",), a=TEXT), steps(a=TEXT), "minor", ["one.a: is now optional"]),
        (steps(a=WHOLE), steps(a={"type": "number"}), "minor", ["one.a: was integer and is now number"]),
        (steps(a={"type": "number"}), steps(a=WHOLE), "major", ["one.a: was number and is now integer"]),
        (steps(a=WHOLE | {"default": 1}), steps(a=WHOLE | {"default": 2}), "minor",
         ["one.a: has a different default"]),
        (steps(a={"enum": ["x", "y"]}), steps(a={"enum": ["x", "z"]}), "major",
         ["one.a: no longer accepts 'y'", "one.a: also accepts 'z'"]),
        (steps(a=WHOLE | {"maximum": 5}), steps(a=WHOLE | {"maximum": 9}), "minor",
         ["one.a: `maximum` was 5 and is now 9"]),
    ],
)  # fmt: skip
def test_changes_are_told_in_words(old: Any, new: Any, part: str, said: list[str]) -> None:
    found = Parameters(since="v1.0.0", changes=changes(old, new))
    assert found.part == part
    assert [line.strip() for line in found.as_lines()[1:]] == said
    assert "v1.0.0" in found.as_lines()[0]
    assert found.as_json()["change"] == part


SCHEMAS: list[dict[str, Any]] = [
    {},
    {"type": "string"},
    {"type": "string", "minLength": 2},
    {"type": "string", "maxLength": 3},
    {"type": "string", "pattern": "^a"},
    {"type": "integer"},
    {"type": "number"},
    {"type": "integer", "minimum": 2},
    {"type": "integer", "maximum": 2},
    {"type": ["integer", "null"]},
    {"enum": ["a", "b"]},
    {"enum": ["a", "b", 1]},
    {"const": "a"},
    {"anyOf": [{"type": "string"}, {"type": "null"}]},
    {"anyOf": [{"type": "integer", "minimum": 2}, {"type": "string"}, {"type": "null"}]},
    {"type": "array", "items": {"type": "integer"}},
    {"type": "array", "items": {"type": "number"}, "minItems": 1},
    {"type": "array"},
    {"type": "object", "properties": {"a": TEXT}, "additionalProperties": False},
    {"type": "object", "properties": {"a": TEXT}},
    {"type": "object", "properties": {"a": TEXT, "b": WHOLE}, "additionalProperties": False},
    {"type": "object", "properties": {"a": TEXT, "b": WHOLE}, "required": ["b"]},
    {
        "type": "object",
        "properties": {"a": {"anyOf": [TEXT, {"type": "null"}]}},
        "additionalProperties": False,
    },
    {"type": "object"},
]
VALUES: list[Any] = [
    None, True, "", "a", "ab", "abcd", "c", 0, 1, 2, 3, 2.5, [], [1], [1.5], ["a"], {}, {"a": "x"},
    {"a": None}, {"a": 1}, {"b": 1}, {"b": "x"}, {"a": "x", "b": 2}, {"c": 1},
]  # fmt: skip


def test_what_is_called_compatible_takes_all_that_was_taken() -> None:
    wrong = []
    compatible = 0
    for old, new in product(SCHEMAS, SCHEMAS):
        if any(change.breaking for change in changes(old, new)):
            continue
        compatible += 1
        before, after = Draft202012Validator(old), Draft202012Validator(new)
        wrong += [(old, new, v) for v in VALUES if before.is_valid(v) and not after.is_valid(v)]
    assert not wrong
    assert compatible > 2 * len(SCHEMAS)


def test_nothing_changed_in_the_same_schema() -> None:
    assert not any(changes(schema, schema) for schema in SCHEMAS)
