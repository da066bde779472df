"""Where the values of problems are in the parameters."""

import pytest

from flowlock_core.errors import Problem
from flowlock_serve.problem_paths import path_of, problem_item


@pytest.mark.parametrize(
    ("step", "parameter", "path"),
    [
        (None, None, []),
        (None, "ignored", []),
        ("first", None, ["first"]),
        ("first", "text", ["first", "text"]),
        ("first", "period.since", ["first", "period", "since"]),
        ("first", "stations[0]", ["first", "stations", 0]),
        ("first", "layers[12].style.colours[3]", ["first", "layers", 12, "style", "colours", 3]),
        ("first", "weights.007", ["first", "weights", "007"]),
        ("first", "größe", ["first", "größe"]),
        # An element of a map is executed with the parameters of its step.
        ("first[2]", "text", ["first", "text"]),
    ],
)
def test_a_path_leads_to_the_value(step: str | None, parameter: str | None, path: list[str | int]) -> None:
    assert path_of(Problem(code="FL732", message="no", step=step, parameter=parameter)) == path


def test_an_item_has_the_parts_of_its_problem() -> None:
    problem = Problem(code="FL732", message="no", step="first", parameter="text", hint="write it", detail="x")
    assert problem_item(problem) == {
        "code": "FL732",
        "message": "no",
        "hint": "write it",
        "step": "first",
        "parameter": "text",
        "path": ["first", "text"],
    }
