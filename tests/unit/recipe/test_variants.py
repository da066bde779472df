import json
from typing import Any

import pytest

from flowlock.builder.plan.order import graph_of
from flowlock.errors import FlowlockError
from flowlock.recipe.document import parse
from flowlock.recipe.variants import variants

CONFIG = """
python: ["3.11", 3.12]
numpy: [1, 2]
unused: [a, b, c]
zip_keys: [[python, numpy]]
cuda: [yes, no]
"""


def found(host: list[str], config: str | None = CONFIG, **document: Any) -> list[dict[str, str]]:
    given = {"package": {"name": "fast", "version": "1"}, "requirements": {"host": host}, **document}
    recipe = parse(json.dumps(given), "recipe.yaml")
    return [dict(one) for one in variants(recipe, config, "variants.yaml")]


def test_only_keys_that_the_recipe_uses_make_variants() -> None:
    assert found(["python"]) == [{"python": "3.11"}, {"python": "3.12"}]
    assert found(["python >=3.11"]) == [{}]
    assert found(["zlib"]) == [{}]
    assert found(["python"], None) == [{}]


def test_zipped_keys_go_side_by_side_and_others_multiply() -> None:
    assert found(["python", "numpy"]) == [
        {"python": "3.11", "numpy": "1"},
        {"python": "3.12", "numpy": "2"},
    ]
    both = found(["python"], build={"script": ['make CUDA="${{ cuda }}"']})
    assert [(one["python"], one["cuda"]) for one in both] == [
        ("3.11", "yes"),
        ("3.11", "no"),
        ("3.12", "yes"),
        ("3.12", "no"),
    ]


@pytest.mark.parametrize("use", [{"build": {"skip": ["python == '3.12'"]}}, {"tests": [{"if": "python"}]}])
def test_a_key_in_a_condition_counts(use: dict[str, Any]) -> None:
    assert len(found([], **use)) == 2


UNEVEN = "python: ['1', '2']\nnumpy: ['1']\nzip_keys: [[python, numpy]]"


def test_a_value_is_the_text_that_is_written() -> None:
    assert found(["python"], "python: [3.10, 3, true]") == [
        {"python": "3.10"},
        {"python": "3"},
        {"python": "true"},
    ]


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ("python: 3.11", "variants.yaml:1:9"),
        ("a: [1]\npython: [[3.11]]", "variants.yaml:2:9"),
        ("python: ['1']\nzip_keys: [python, numpy]", "variants.yaml:2:12"),
        (UNEVEN, "variants.yaml:3:1"),
    ],
)
def test_what_is_no_variant_configuration_is_refused(config: str, place: str) -> None:
    with pytest.raises(FlowlockError) as caught:
        found(["python", "numpy"], config)
    (problem,) = caught.value.problems
    assert (problem.code, str(problem.location)) == ("FL318", place)


def test_who_needs_a_package_needs_all_its_variants() -> None:
    fast = parse("package: {name: fast, version: '1'}", "r")
    user = parse("{package: {name: user, version: '1'}, requirements: {run: [fast]}}", "r")
    graph = graph_of({"fast": fast, "fast (python 3.12)": fast, "user": user})
    assert graph == {
        "fast": frozenset(),
        "fast (python 3.12)": frozenset(),
        "user": {"fast", "fast (python 3.12)"},
    }
