"""Our list of a recipe's keys against the engine's parser, which says what it does not know."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from rattler_build import RattlerBuildError, Stage0Recipe

from flowlock.errors import FlowlockError
from flowlock.recipe.document import parse
from flowlock.recipe.schema import KEYS, MOVED, SOURCES

BASE: dict[str, Any] = {"package": {"name": "x", "version": "1"}}
# What else a mapping needs to be one of its kind.
KIND: Mapping[tuple[str, ...], dict[str, Any]] = {
    ("source",): {"path": "."},
    ("build", "steps"): {"run": "x"},
    ("build", "post_process"): {"files": ["x"], "regex": "x", "replacement": "x"},
    ("tests", "files"): {},
    ("tests", "requirements"): {},
}


def document(keys: tuple[str, ...], extra: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe with a mapping at these keys."""
    inner = {**KIND.get(keys, {}), **extra}
    if not keys:
        return {**BASE, **inner}
    if keys[0] == "tests":
        test = {keys[1]: inner} if len(keys) > 1 else inner
        script = {"script": ["x"]} if keys[1:] in {("requirements",), ("files",)} else {}
        return {**BASE, "tests": [{**script, **test}]}
    if keys[0] == "source" and len(keys) > 1:
        return {**BASE, "source": {"url": "http://h/x", keys[1]: inner}}
    for key in reversed(keys):
        inner = {key: [inner] if key in {"steps", "post_process"} else inner}
    return {**BASE, "package": {**BASE["package"], **inner.pop("package", {})}, **inner}


def refusal(recipe: dict[str, Any]) -> str:
    try:
        Stage0Recipe.from_yaml(json.dumps(recipe))
    except RattlerBuildError as error:
        return str(error)
    return ""


def problems(recipe: dict[str, Any]) -> list[str]:
    try:
        parse(json.dumps(recipe), "r")
    except FlowlockError as error:
        return [problem.message for problem in error.problems]
    return []


@pytest.mark.parametrize("keys", KEYS, ids=".".join)
def test_a_key_that_the_engine_does_not_know_is_found(keys: tuple[str, ...]) -> None:
    recipe = document(keys, {"nosuch": "x"})
    # The engine reads the first key of a test that it knows, and is silent on the rest.
    if keys != ("tests",):
        assert "unknown" in refusal(recipe)
    assert f"unknown key `{'.'.join((*keys, 'nosuch'))}`" in problems(recipe)


@pytest.mark.parametrize("keys", KEYS, ids=".".join)
def test_every_key_of_ours_is_one_of_the_engine(keys: tuple[str, ...]) -> None:
    for key in KEYS[keys]:
        assert "unknown field" not in refusal(document(keys, {key: KIND.get(keys, {}).get(key, "x")}))


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_has_the_keys_of_its_kind(kind: str) -> None:
    source = {kind: "http://h/x"}
    for key in SOURCES[kind]:
        assert "unknown field" not in refusal({**BASE, "source": {**source, key: "x"}})
    recipe = {**BASE, "source": {**source, "nosuch": "x"}}
    assert "unknown field" in refusal(recipe)
    assert "unknown key `source.nosuch`" in problems(recipe)


@pytest.mark.parametrize("keys", MOVED, ids=".".join)
def test_a_key_that_moved_says_where_to(keys: tuple[str, ...]) -> None:
    recipe = document(keys[:-1], {keys[-1]: "x"})
    with pytest.raises(FlowlockError) as caught:
        parse(json.dumps(recipe, indent=1), "r")
    (problem,) = (one for one in caught.value.problems if one.message == f"unknown key `{'.'.join(keys)}`")
    assert problem.hint == f"write {MOVED[keys]}"
    assert problem.location is not None
    assert problem.location.line is not None
    assert problem.location.line > 1


def test_unknown_keys_are_found_behind_selectors_and_in_lists() -> None:
    recipe = {
        **BASE,
        "source": [{"if": "linux", "then": {"url": "http://h/x", "fliter": []}}],
        "tests": [{"if": "win", "then": [{"python": {"importz": []}}]}],
        "build": {"script": [{"content": "x", "interpreter": "bash", "fille": "y"}]},
    }
    assert problems(recipe) == [
        "unknown key `build.script.fille`",
        "unknown key `tests.python.importz`",
        "unknown key `source.fliter`",
    ]
