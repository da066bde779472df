"""Results as JSON and as a page."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from datetime import date, datetime
from enum import Enum
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flowlock_core.command.output import write_results
from flowlock_core.errors import TaskError, WorkflowError
from flowlock_core.execute.skip import SKIPPED
from flowlock_core.page import render_page
from flowlock_core.results import (
    Chart,
    ChartRuntime,
    Dashboard,
    Position,
    SingleValue,
    Widget,
    Width,
    to_json,
)
from flowlock_core.tasks.results import (
    create_plot_widget,
    create_single_value_widget,
    create_table_widget,
    create_text_widget,
    gather_dashboard,
)
from flowlock_core.types import TimeRange

HOSTILE = '<script>alert("x")</script></script><!-- \' & \u2028 ]]>'
RUNTIME = ChartRuntime(
    name="lib",
    load=lambda: "const lib = '</script>';",
    draw="(element, figure, theme) => { element.textContent = figure.a; }",
)
BISCOE = (("island", "=", "Biscoe"), ("sex", "=", None))
DREAM = (("island", "=", "Dream"), ("sex", "=", "male"))


class Colour(Enum):
    RED = "red"


def chart(figure: Any = None) -> Chart:
    return Chart(figure=figure or {"a": HOSTILE}, runtime=RUNTIME, description=HOSTILE, series=("s", HOSTILE))


def dashboard() -> Dashboard:
    df = pd.DataFrame({"name": [HOSTILE, None], "size": [1234.5, float("nan")], "yes": [True, False]})
    keyed = [(key, create_plot_widget(chart(), title=HOSTILE)) for key in (BISCOE, DREAM)]
    return gather_dashboard(
        title=HOSTILE,
        description=HOSTILE,
        widgets=[
            create_single_value_widget(1234567, title="Count", unit="<b>"),
            create_table_widget(df, title="Table", description=HOSTILE, max_rows=1),
            create_text_widget(f"One.\n\n{HOSTILE}", title="Text"),
            keyed,
            SKIPPED,
            [(BISCOE, SKIPPED)],
        ],
    )


class Page(HTMLParser):
    """Collects the elements, scripts and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        else:
            self.words.append(data)

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.tags if name in (attributes.get("class") or "").split()]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render_page(dashboard()))


def test_elements_are_closed_in_order(page: Page) -> None:
    assert page.open == []


def test_hostile_text_makes_no_element_and_is_shown_as_it_is(page: Page) -> None:
    runs = [attributes for attributes, _ in page.scripts if attributes.get("type") != "application/json"]
    assert len(runs) == 4
    assert not [tag for tag, _ in page.tags if tag in {"b", "iframe", "object", "link", "img"}]
    assert "".join(page.words).count(HOSTILE) == 9


def test_nothing_is_loaded_from_elsewhere(page: Page) -> None:
    assert not [
        a for _, attributes in page.tags for a in attributes if a in {"src", "srcset", "onclick", "style"}
    ]
    assert {a["href"] for _, a in page.tags if "href" in a} == {"#cards"}


def test_the_policy_allows_exactly_the_scripts_of_the_page(page: Page) -> None:
    [policy] = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    runs = [text for attributes, text in page.scripts if attributes.get("type") != "application/json"]
    hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in runs]
    assert re.findall(r"'sha256-([^']+)'", policy) == hashes
    assert "unsafe-eval" not in policy


def test_figures_are_json_blocks_and_the_library_is_there_once(page: Page) -> None:
    blocks = [json.loads(text) for attributes, text in page.scripts if attributes.get("type")]
    assert blocks == [{"a": HOSTILE}, {"a": HOSTILE}, ["s", HOSTILE]]
    assert sum("const lib =" in text for _, text in page.scripts) == 1


def test_each_column_of_the_groups_has_a_selector(page: Page) -> None:
    selects = [a["data-column"] for tag, a in page.tags if tag == "select"]
    options = [a["value"] for tag, a in page.tags if tag == "option" and "value" in a]
    assert selects == ["island", "sex"]
    assert options == ["Biscoe", "Dream", "missing", "male"]
    assert len([a for _, a in page.tags if "data-all" in a]) == 2


def test_a_view_carries_its_key(page: Page) -> None:
    keys = [json.loads(attributes["data-key"] or "") for attributes in page.with_class("view")]
    assert keys[-2:] == [{"island": "Biscoe", "sex": "missing"}, {"island": "Dream", "sex": "male"}]


def test_every_card_is_named_by_its_heading(page: Page) -> None:
    headings = [a["id"] for tag, a in page.tags if tag == "h2"]
    assert [a["aria-labelledby"] for a in page.with_class("card")] == headings
    assert [a["role"] for a in page.with_class("chart")] == ["img", "img"]


def test_numbers_are_written_for_people(page: Page) -> None:
    text = " ".join(page.words)
    assert "1,234,567" in text
    assert "1,234.50" in text
    assert "The first 1 of 2 rows." in text


def test_integers_are_shown_as_integers_where_some_are_missing() -> None:
    table = pd.DataFrame({"count": [1200, None], "mean": [1.0, 2.5], "empty": [None, float("inf")]})
    html = render_page(gather_dashboard("T", [create_table_widget(table, title="X")]))
    cells = re.findall(r'<td class="number" data-value="([^"]*)">([^<]*)</td>', html)
    assert cells[:3] == [("1200", "1,200"), ("1.0", "1.00"), ("", "\N{EN DASH}")]
    assert cells[3:] == [("", "\N{EN DASH}"), ("2.5", "2.50"), ("inf", "\N{EN DASH}")]


def test_a_chart_that_its_library_cannot_save_has_no_downloads(page: Page) -> None:
    assert [a["data-save"] for _, a in page.tags if "data-save" in a] == ["csv"]


def test_a_page_without_groups_or_charts_has_neither_selector_nor_library() -> None:
    plain = gather_dashboard(title="T", widgets=[create_text_widget("x", title="X")])
    found = Page(render_page(plain))
    assert not [tag for tag, _ in found.tags if tag == "select"]
    assert len(found.scripts) == 3


def test_the_same_dashboard_gives_the_same_page() -> None:
    assert render_page(dashboard()) == render_page(dashboard())


def test_a_dashboard_without_a_widget_is_refused() -> None:
    with pytest.raises(TaskError, match="there is no card to show"):
        gather_dashboard(title="T", widgets=[SKIPPED, [(BISCOE, SKIPPED)], []])


def test_results_are_written_as_json_and_page(tmp_path: Path) -> None:
    paths = write_results(dashboard(), tmp_path / "r é", workflow="w")
    assert [path.name for path in paths] == ["result.json", "dashboard.html"]
    document = json.loads(paths[0].read_text(encoding="utf-8"))
    widgets = document["result"]["widgets"]
    assert [widget["type"] for widget in widgets] == ["single_value", "table", "text", "plot"]
    assert widgets[1]["views"][0]["rows"] == [[HOSTILE, 1234.5, True]]
    assert widgets[3]["views"][0]["key"] == [["island", "=", "Biscoe"], ["sex", "=", None]]
    assert sorted(path.name for path in (tmp_path / "r é").iterdir()) == ["dashboard.html", "result.json"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkflowError, match="cannot write"):
        write_results(1, tmp_path / "file", workflow="w")


@pytest.mark.parametrize(
    ("value", "document"),
    [
        (float("inf"), "Infinity"),
        (np.float64(1.5), 1.5),
        (np.int64(3), 3),
        (datetime(2024, 1, 2, 3), "2024-01-02T03:00:00"),  # noqa: DTZ001 - without a zone, as in tables
        (date(2024, 1, 2), "2024-01-02"),
        (pd.DataFrame({"a": [1, None]}), [{"a": 1.0}, {"a": None}]),
        ((1, {"k": (2,)}), [1, {"k": [2]}]),
        (Colour.RED, "red"),
        (Path("a/b"), "a/b"),
        (SKIPPED, "SKIPPED"),
        (SingleValue(value=1, unit="g"), {"type": "single_value", "value": 1, "unit": "g"}),
        (
            Widget(title="T", content=SingleValue(value=None), width=Width.FULL),
            {"type": "single_value", "title": "T", "value": None, "unit": ""},
        ),
        (
            TimeRange.model_validate({"since": "2024-01-01", "until": "2024-01-02"}),
            {"since": "2024-01-01T00:00:00", "until": "2024-01-02T23:59:59.999999"},
        ),
    ],
)
def test_any_result_goes_to_json(value: Any, document: Any) -> None:
    assert json.loads(json.dumps(to_json(value), allow_nan=False)) == document


def test_a_layout_orders_cards_and_those_without_a_place_follow() -> None:
    widgets = [create_text_widget("x", title=name) for name in ("first", "second", "third")]
    found = gather_dashboard("Page", [widgets[0], SKIPPED, widgets[1], widgets[2]])
    assert [card.number for card in found.cards] == [0, 2, 3]
    layout = {0: Position(x=0, y=5, w=4, h=1), 3: Position(x=0, y=0, w=12, h=2)}
    page = render_page(replace(found, layout=layout))
    assert [page.index(f">{name}</h2>") for name in ("third", "first", "second")] == sorted(
        page.index(f">{name}</h2>") for name in ("first", "second", "third")
    )
    assert "--columns: 12" in page
    assert 'style="--x: 1; --y: 7; --w: 12; --h: 1"' in page
