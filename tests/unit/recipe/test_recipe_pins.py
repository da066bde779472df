"""Pins of other packages of the workspace become ranges, which are part of a package's identity."""

import json
from typing import Any

import pytest

from flowlock.errors import FlowlockError
from flowlock.names import Version
from flowlock.recipe.consistency import consistency
from flowlock.recipe.document import Recipe, parse
from flowlock.recipe.pins import bounds, with_pins

VERSIONS = {"core": Version("1.2.3"), "beta": Version("2.0rc1"), "x": Version("1")}


def recipe(*run: Any, **context: str) -> Recipe:
    document = {
        "context": context,
        "package": {"name": "x", "version": "1"},
        "requirements": {"run": ["python >=3.11", *run]},
    }
    return parse(json.dumps(document), "r")


def pinned(*run: Any, **context: str) -> list[Any]:
    return list(with_pins(recipe(*run, **context), VERSIONS).document["requirements"]["run"][1:])


@pytest.mark.parametrize(
    ("version", "lower", "upper", "expected"),
    [
        ("1.2.3", "x.x.x.x.x.x", "x", ">=1.2.3,<2.0a0"),
        ("0.1.0", "x.x.x", "x.x", ">=0.1.0,<0.2.0a0"),
        ("1.2.3", "x", "x.x.x.x", ">=1,<1.2.3.1.0a0"),
        ("1.2.3", "1.1", "3", ">=1.1,<3"),
        ("1.2.3", "x.x", "", ">=1.2"),
        ("1.2.3", "", "x", "<2.0a0"),
        ("1!1.2", "x.x", "x", ">=1!1.2,<1!2.0a0"),
        ("2.0rc1", "x.x.x.x.x.x", "x.x", ">=2.0rc1,<2.1.0a0"),
    ],
)
def test_bounds_are_those_of_the_version(version: str, lower: str, upper: str, expected: str) -> None:
    assert bounds(version, lower, upper) == expected


def test_a_pin_becomes_a_range_also_behind_selectors_and_through_variables() -> None:
    found = pinned(
        "${{ pin_subpackage('core', upper_bound='x.x') }}",
        {"if": "linux", "then": ["${{ pin_subpackage(name) }}", "numpy"]},
        "${{ pin_subpackage('core', lower_bound=none, exact=false) }}",
        name="beta",
    )
    assert found == [
        "core >=1.2.3,<1.3.0a0",
        {"if": "linux", "then": ["beta >=2.0rc1,<3.0a0", "numpy"]},
        "core <2.0a0",
    ]


def test_what_the_engine_has_to_evaluate_stays() -> None:
    kept = ["${{ pin_subpackage('x') }}", "${{ pin_compatible('numpy') }}", "numpy"]
    assert pinned(*kept) == kept


@pytest.mark.parametrize(
    ("pin", "message"),
    [
        ("${{ pin_subpackage('gone') }}", "`gone` is not a package of this workspace"),
        ("${{ pin_subpackage('core', build='py*') }}", "the pin of `core` has `build`"),
        ("${{ pin_subpackage('core') }} py*", "contains more than a pin"),
        ("${{ pin_subpackage('core', upper_bound=target) }}", "cannot be evaluated here"),
        ("${{ pin_subpackage('beta', lower_bound='x') }}", "the version 2.0rc1 is not a release"),
    ],
)
def test_a_pin_that_cannot_be_evaluated_is_refused_with_its_line(pin: str, message: str) -> None:
    with pytest.raises(FlowlockError) as caught:
        pinned(pin)
    (problem,) = caught.value.problems
    assert (problem.code, message in problem.message) == ("FL326", True)
    assert str(problem.location) == f"r:1:{json.dumps(dict(recipe(pin).document)).index(pin)}"


@pytest.mark.parametrize(
    ("pin", "dependency", "agree"),
    [
        ("upper_bound='x.x'", "core>=1.2.3,<1.3", True),
        ("upper_bound='x.x'", "core>=1.2.3,<1.3.0", True),
        ("upper_bound='x'", "core>=1.2.3,<2", True),
        ("upper_bound='x.x'", "core>=1.2.3,<1.30", False),
        ("upper_bound='x.x'", "core>=1.2.3", False),
        ("upper_bound='x.x'", "core>=1.2,<1.3", False),
    ],
)
def test_a_pin_agrees_with_a_pyproject_of_the_same_range(pin: str, dependency: str, *, agree: bool) -> None:
    project = {"name": "x", "version": "1", "requires-python": ">=3.11", "dependencies": [dependency]}
    own = with_pins(recipe(f"${{{{ pin_subpackage('core', {pin}) }}}}"), VERSIONS)
    found = consistency(
        own, {"project": project}, folder="x", names={}, recipe_file=("r", ""), pyproject_file=("p", "")
    )
    assert [problem.code for problem in found] == ([] if agree else ["FL321"])


def test_a_requirement_that_only_the_engine_evaluates_is_compared_by_name() -> None:
    project = {"name": "x", "version": "1", "requires-python": ">=3.11", "dependencies": ["numpy>=1"]}
    own = recipe("${{ pin_compatible('numpy') }}", "${{ pin_compatible('scipy') }}")
    found = consistency(
        own, {"project": project}, folder="x", names={}, recipe_file=("r", ""), pyproject_file=("p", "")
    )
    assert [problem.message.partition(":")[0] for problem in found] == ["run requirement on scipy"]
