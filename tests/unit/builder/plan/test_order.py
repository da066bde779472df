import pytest

from flowlock.builder.plan.order import most_awaited_first, names_of, needs, order
from flowlock.errors import FlowlockError
from flowlock.recipe.document import parse


def test_packages_come_after_what_they_need() -> None:
    assert order({"c": ["b"], "b": ["a"], "a": []}) == ["a", "b", "c"]


def test_a_cycle_is_refused_with_its_path() -> None:
    with pytest.raises(FlowlockError, match=r"depend on each other: (a → b → a|b → a → b)"):
        order({"a": ["b"], "b": ["a"]})


def test_needs_are_read_from_all_kinds_of_requirements() -> None:
    text = """
package: {name: x, version: '1'}
requirements:
  build: [b >=1]
  host: [conda-forge::h=1.*, python]
  run: [r>=2, "${{ pin_subpackage('p') }}", x]
"""
    assert needs(parse(text, "r"), ["b", "h", "r", "p", "x", "unused"]) == {"b", "h", "r", "p"}


def test_names_are_read_off_match_specs() -> None:
    assert names_of(["a", "b-c.d >=1", "ch::e[version='1']", "f=1=py_0"]) == {"a", "b-c.d", "e", "f"}


def test_the_largest_build_goes_first_and_a_long_chain_before_that() -> None:
    needs = {"small": [], "large": [], "end": ["middle"], "middle": ["start"], "start": []}
    work = {"small": 1, "large": 10, "start": 4, "middle": 4, "end": 4}
    assert most_awaited_first(needs, work) == ["start", "large", "middle", "end", "small"]
