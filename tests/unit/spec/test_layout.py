"""`layout.json`: read with places, held against the dashboard, and what is wrong told all at once."""

import json

import pytest

from flowlock.errors import Severity
from flowlock.spec.layout import parse_layout
from flowlock.spec.model import Spec
from flowlock.spec.parse import parse

SPEC = """
id: demo
workflow:
  - {id: chart, task: x}
  - {id: numbers, task: x}
  - id: dashboard
    task: page
    partial: {widgets: ["${{ workflow.chart.return }}", "${{ workflow.numbers.return }}"]}
"""
GOOD = {"i": 0, "x": 0, "y": 0, "w": 6, "h": 4}


def spec(text: str = SPEC) -> Spec:
    found, problems = parse(text, "spec.yaml")
    assert found
    assert not problems
    return found


def problems_of(items: object) -> list[tuple[str, str]]:
    _, problems = parse_layout(json.dumps(items, indent=1), "layout.json", spec())
    assert all(problem.location and problem.location.line for problem in problems)
    return [(problem.code, problem.message) for problem in problems]


def test_widgets_are_meant_by_step_or_by_position() -> None:
    items = [
        {**GOOD, "widget_id": "numbers", "minW": 2, "minH": 1, "static": True},
        {**GOOD, "i": "0b", "x": 6},
    ]
    items[1]["widget_id"] = 0
    places, problems = parse_layout(json.dumps(items), "layout.json", spec())
    assert not problems
    assert [place.widget for place in places] == [1, 0]
    assert places[0].as_json() == {
        "i": "0", "x": 0, "y": 0, "w": 6, "h": 4, "minW": 2, "minH": 1, "static": True, "widget_id": 1
    }  # fmt: skip


def test_the_item_s_own_name_means_the_widget_if_nothing_else_does() -> None:
    items = [{**GOOD, "i": "chart"}, {**GOOD, "i": "1", "x": 6}]
    places, problems = parse_layout(json.dumps(items), "layout.json", spec())
    assert not problems
    assert [place.widget for place in places] == [0, 1]


@pytest.mark.parametrize(
    ("item", "code", "words"),
    [
        ({**GOOD, "x": -1}, "FL161", "`x` must be an integer from 0"),
        ({**GOOD, "w": 0}, "FL161", "`w` must be an integer from 1"),
        ({**GOOD, "h": 1.5}, "FL161", "`h` must be an integer"),
        ({**GOOD, "h": True}, "FL161", "`h` must be an integer"),
        ({**GOOD, "static": "yes"}, "FL161", "`static` must be true or false"),
        ({**GOOD, "minW": 7}, "FL161", "less than `minW`"),
        ({**GOOD, "hh": 1}, "FL161", "no key `hh`"),
        ({"i": 0, "x": 0, "y": 0, "w": 1}, "FL161", "needs the key `h`"),
        ({**GOOD, "widget_id": "chat"}, "FL164", "no widget `chat`"),
        ({**GOOD, "widget_id": 2}, "FL164", "widget 2 does not exist"),
        ("text", "FL161", "an item of a layout must be a mapping"),
    ],
)
def test_what_is_wrong_is_told(item: object, code: str, words: str) -> None:
    ((found, message),) = problems_of([item])
    assert found == code
    assert words in message


def test_everything_is_told_at_once() -> None:
    found = problems_of([{**GOOD, "x": "a"}, {**GOOD, "widget_id": "nobody"}, GOOD, GOOD])
    assert [code for code, _ in found] == ["FL161", "FL164", "FL162", "FL162", "FL163"]


def test_a_hint_names_the_nearest_widget() -> None:
    _, (problem,) = parse_layout(json.dumps([{**GOOD, "widget_id": "chat"}]), "layout.json", spec())
    assert problem.hint == "did you mean `chart`?"


def test_items_that_cover_each_other_are_a_warning() -> None:
    items = [GOOD, {**GOOD, "i": 1, "x": 5, "y": 3}]
    places, (problem,) = parse_layout(json.dumps(items), "layout.json", spec())
    assert len(places) == 2
    assert problem.severity is Severity.WARNING


@pytest.mark.parametrize("text", ["", "{}", "{", "null", "[", "\0"])
def test_what_is_no_list_is_told(text: str) -> None:
    places, problems = parse_layout(text, "layout.json", spec())
    assert not places
    assert problems
