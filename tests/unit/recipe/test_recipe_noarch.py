"""What no noarch recipe may say: the engine evaluates it for the machine that builds."""

import json
from typing import Any

import pytest

from flowlock.errors import FlowlockError
from flowlock.recipe.document import parse

BASE: dict[str, Any] = {"package": {"name": "x", "version": "1"}, "build": {"noarch": "generic"}}


def refused(**document: Any) -> list[tuple[str, str]]:
    try:
        parse(json.dumps({**BASE, **document}), "r")
    except FlowlockError as error:
        return [(problem.code, problem.message.partition(" ")[0]) for problem in error.problems]
    return []


def build(**more: Any) -> dict[str, Any]:
    return {"noarch": "generic", **more}


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({"requirements": {"run": [{"if": "win", "then": "colorama"}]}}, "win"),
        ({"requirements": {"run": [{"if": "not unix", "then": "colorama"}]}}, "unix"),
        ({"requirements": {"run": [{"if": "x", "then": [{"if": "osx", "then": "a"}]}]}}, "osx"),
        ({"requirements": {"run_constraints": [{"if": "aarch64", "then": "a"}]}}, "aarch64"),
        ({"requirements": {"run": ["${{ 'a' if linux else 'b' }}"]}}, "linux"),
        ({"requirements": {"run": ["a-${{ target_platform }}"]}}, "target_platform"),
        ({"context": {"name": "${{ 'a' if build_platform == 'linux-64' else 'b' }}"}}, "build_platform"),
        ({"tests": [{"if": "unix", "then": {"script": ["a"]}}]}, "unix"),
        ({"build": build(script=[{"if": "win", "then": "a", "else": "b"}])}, "win"),
        ({"build": build(skip=["win"])}, "win"),
        ({"build": build(skip="is_windows(host_platform)")}, "is_windows"),
        ({"about": {"summary": "for ${{ x86_64 }}"}}, "x86_64"),
    ],
)
def test_a_platform_selector_is_refused(document: dict[str, Any], word: str) -> None:
    assert refused(**document) == [("FL319", f"`{word}`")]


@pytest.mark.parametrize(
    "document",
    [
        {"requirements": {"run": ["__win", "__unix", "linux-headers", "a"]}},
        {"context": {"extras": True}, "requirements": {"run": [{"if": "extras", "then": "a"}]}},
        {"requirements": {"run": [{"if": "mode == 'win'", "then": "a"}]}},
        {"build": build(script=["if [ linux ]; then a; fi"])},
        {"about": {"summary": "runs on win and linux"}},
        {"extra": {"if": "win", "then": "${{ linux }}"}},
        {"context": {"windows": "a"}, "requirements": {"run": ["${{ windows }}"]}},
    ],
)
def test_what_is_the_same_on_every_platform_is_not(document: dict[str, Any]) -> None:
    assert refused(**document) == []


def test_a_native_recipe_may_have_selectors() -> None:
    assert refused(build={}, requirements={"run": [{"if": "win", "then": "a"}]}) == []


def test_the_line_is_that_of_the_condition_and_the_hint_is_the_way_out() -> None:
    text = "package: {name: x, version: '1'}\nbuild: {noarch: python}\n"
    text += "requirements:\n  run:\n    - if: win\n      then: a\n"
    with pytest.raises(FlowlockError) as caught:
        parse(text, "r")
    (problem,) = caught.value.problems
    assert str(problem.location) == "r:5:11"
    assert problem.hint is not None
    assert "`__win` or `__unix`" in problem.hint
