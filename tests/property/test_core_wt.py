"""Any JSON as form data or parameters: it is converted, or each problem has the path of its value."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from flowlock_core.command.bundle import Bundle
from flowlock_core.execute import Steps
from flowlock_core.task import task
from flowlock_core.wt.conversion import Conversion, converted

KEYS = st.sampled_from(["Group", "grouped", "alone", "points", "x", "label", "0", "a.b", "[1]", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
POINTS = st.lists(st.fixed_dictionaries({"x": st.integers()}), max_size=3)
STEP = st.fixed_dictionaries({"points": POINTS}, optional={"label": st.text(max_size=3)})


class Point(BaseModel):
    """A value inside a value."""

    x: int


@task
def draw(points: list[Point], label: str = "") -> int:
    """Take points."""
    return len(points) + len(label)


def workflow(step: Steps) -> Any:
    """Draw twice."""
    step(draw, "grouped").call()
    return step(draw, "alone").call()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "form.json").write_text(json.dumps({"groups": {"Group": ["grouped"]}}))
    (folder / "params.schema.json").write_text(json.dumps({"properties": {"grouped": {}, "alone": {}}}))
    return Bundle(
        package=Path(folder).name, module="__main__", function="workflow", main=workflow, folder=folder
    )


def assert_paths_lead_to_values(conversion: Conversion, document: Any) -> None:
    for error in conversion.errors:
        value = document
        for part in error["path"]:
            value = value[part]
        assert value == error["input"]
        assert error["message"]
    json.dumps(conversion.as_json())


@given(document=JSON)
def test_any_json_is_converted_or_refused_with_the_paths_of_values(bundle: Bundle, document: Any) -> None:
    for to_params in (True, False):
        assert_paths_lead_to_values(converted(document, bundle, to_params=to_params), document)


@given(grouped=STEP, alone=STEP)
def test_what_is_valid_comes_back_unchanged(bundle: Bundle, grouped: Any, alone: Any) -> None:
    params = {"grouped": grouped, "alone": alone}
    form = converted(params, bundle, to_params=False)
    assert form.as_json() == {"result": {"Group": {"grouped": grouped}, "alone": alone}}
    assert converted(form.result, bundle, to_params=True).as_json() == {"result": params}
