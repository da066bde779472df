"""`--set`: paths with dots, places, values in YAML."""

from pathlib import Path
from typing import Any

import pytest

from flowlock_core.errors import Problem, UsageError
from flowlock_core.parameters.params import Params, parse_params
from flowlock_core.parameters.settings import with_values

NOTHING = Params(by_step={}, base=Path())


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("a.b=1e5", {"a": {"b": 1e5}}),
        ("a.b=2024-01-01", {"a": {"b": "2024-01-01"}}),
        ("a.b=", {"a": {"b": None}}),
        ("a.b=x=y", {"a": {"b": "x=y"}}),
        ("a.b.c=[on, 12:30]", {"a": {"b": {"c": ["on", "12:30"]}}}),
        ('a.names."x.y"=z', {"a": {"names": {"x.y": "z"}}}),
        ('a.names."x = \\"y\\""=z', {"a": {"names": {'x = "y"': "z"}}}),
        (" a . b = 1", {"a": {"b": 1}}),
    ],
)
def test_a_setting_is_a_path_and_yaml(setting: str, expected: dict[str, Any]) -> None:
    assert with_values(NOTHING, [setting]).by_step == expected


def test_later_settings_add_to_and_replace_earlier_ones() -> None:
    params = with_values(NOTHING, ["a.b.c=1", "a.b.d=2", "a.b.c=3"])
    assert params.by_step == {"a": {"b": {"c": 3, "d": 2}}}


@pytest.mark.parametrize("setting", ["", "a", "a=1", "a.=1", ".b=1", "a..b=1", 'a."b=1', 'a."b"c=1', "a.b"])
def test_a_setting_of_another_form_is_refused_with_an_example(setting: str) -> None:
    with pytest.raises(UsageError, match=r"is not step\.parameter=value") as caught:
        with_values(NOTHING, [setting])
    assert "double quotes" in str(caught.value)


@pytest.mark.parametrize("value", ["[", "007", "{a: 1, a: 2}", "!x 1"])
def test_a_value_that_cannot_be_read_stands_at_its_setting(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        with_values(NOTHING, [f"a.b={value}"])
    (problem,) = caught.value.problems
    assert str(problem.location) == "--set a.b"


def test_what_the_file_said_below_a_set_value_has_no_place_any_more() -> None:
    params = parse_params("a:\n  b: [1, {c: 2}]\n", file="p.yaml", base=Path())
    params = with_values(params, ["a.b=[3]", "x.y=1"])

    def place(code: str, step: str, parameter: str | None = None) -> str:
        return str(params.locate(Problem(code=code, message="", step=step, parameter=parameter)))

    assert place("FL728", "a", "b[0]") == place("FL728", "a", "b[1].c") == "--set a.b"
    assert place("FL724", "x") == place("FL725", "x", "y") == "--set x.y"
