"""Charts: figures that plotly accepts, without the library in them."""

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from flowlock_core.errors import TaskError
from flowlock_core.page import render_page
from flowlock_core.plotly import checked_figure
from flowlock_core.results import Chart
from flowlock_core.tasks.results import create_plot_widget, gather_dashboard
from flowlock_ext_tabular.charts import draw_bar_chart, draw_histogram, draw_line_chart, draw_scatter_plot
from flowlock_ext_tabular.runtime import PLOTLY

TABLE = pd.DataFrame(
    {
        "month": ["2024-02", "2024-01", "2024-03"],
        "species": ["Gentoo", "Adelie", None],
        "mass": [5.0, None, 3.5],
        "count": [1, 2, 3],
        "time": pd.to_datetime(["2024-02-01", "2024-01-01", "2024-03-01"]),
    }
)
CHARTS: list[Callable[..., Chart]] = [
    lambda df, **more: draw_bar_chart(df, "month", "mass", **more),
    lambda df, **more: draw_line_chart(df, "month", ["mass"], **more),
    lambda df, **more: draw_histogram(df, "mass", **more),
    lambda df, **more: draw_scatter_plot(df, "count", "mass", **more),
]


def refusal(call: Callable[[], Any]) -> TaskError:
    with pytest.raises(TaskError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("draw", CHARTS)
@pytest.mark.parametrize("color", [None, "species"])
def test_a_chart_is_small_json_that_plotly_accepts(draw: Callable[..., Chart], color: str | None) -> None:
    chart = draw(TABLE, color=color)
    text = json.dumps(chart.figure, allow_nan=False)
    assert len(text) < 3000
    go.Figure(json.loads(text))
    assert "template" not in chart.figure["layout"]
    assert chart.runtime is PLOTLY
    assert chart.description


@pytest.mark.parametrize("draw", CHARTS)
def test_colours_split_rows_in_sorted_series_the_missing_last(draw: Callable[..., Chart]) -> None:
    chart = draw(TABLE, color="species")
    assert chart.series == ("Adelie", "Gentoo", "missing")
    assert [trace["name"] for trace in chart.figure["data"]] == list(chart.series)
    assert chart.figure["layout"]["showlegend"] is True


def test_numbers_in_the_names_of_series_count_by_their_value() -> None:
    table = pd.DataFrame({"x": [1, 2, 3], "y": [1, 2, 3], "site": ["Site 10", "Site 2", "site 1"]})
    chart = draw_scatter_plot(table, "x", "y", color="site")
    assert chart.series == ("Site 2", "Site 10", "site 1")
    numbers = draw_scatter_plot(table.assign(site=[10, -2, 1]), "x", "y", color="site")
    assert numbers.series == ("-2", "1", "10")


@pytest.mark.parametrize("draw", CHARTS)
def test_one_series_needs_no_legend(draw: Callable[..., Chart]) -> None:
    chart = draw(TABLE)
    assert chart.series == ()
    assert chart.figure["layout"]["showlegend"] is False


@pytest.mark.parametrize("draw", CHARTS)
def test_an_empty_table_gives_an_empty_chart(draw: Callable[..., Chart]) -> None:
    assert isinstance(draw(TABLE.head(0)), Chart)


def test_bars_keep_the_order_of_rows() -> None:
    layout = draw_bar_chart(TABLE, "month", "count", color="species").figure["layout"]
    assert layout["xaxis"]["categoryarray"] == ["2024-02", "2024-01", "2024-03"]


def test_two_rows_for_one_bar_are_refused_with_a_way_out() -> None:
    twice = pd.concat([TABLE, TABLE])
    error = refusal(lambda: draw_bar_chart(twice, "month", "count"))
    assert error.message == "several rows have `2024-02` in the column `month`, but each bar must be one row"
    assert "aggregate" in (error.hint or "")


def test_lines_go_from_left_to_right_with_gaps() -> None:
    [trace] = draw_line_chart(TABLE, "time", ["mass"]).figure["data"]
    assert trace["x"] == ["2024-01-01", "2024-02-01", "2024-03-01"]
    assert trace["y"] == [None, 5.0, 3.5]


def test_several_columns_make_several_lines() -> None:
    chart = draw_line_chart(TABLE, "month", ["mass", "count"], markers=True)
    assert chart.series == ("Mass", "Count")
    assert {trace["mode"] for trace in chart.figure["data"]} == {"lines+markers"}


def test_several_columns_and_a_colour_are_refused() -> None:
    error = refusal(lambda: draw_line_chart(TABLE, "month", ["mass", "count"], color="species"))
    assert error.parameter == "color"


def test_axes_have_titles_for_people() -> None:
    layout = draw_scatter_plot(TABLE, "count", "mass", y_title="Mass (kg)").figure["layout"]
    assert (layout["xaxis"]["title"]["text"], layout["yaxis"]["title"]["text"]) == ("Count", "Mass (kg)")


def test_a_histogram_takes_a_number_of_bins() -> None:
    assert draw_histogram(TABLE, "mass", bins=3).figure["data"][0]["nbinsx"] == 3


@pytest.mark.parametrize(
    ("call", "parameter"),
    [
        (lambda: draw_bar_chart(TABLE, "mont", "mass"), "x"),
        (lambda: draw_bar_chart(TABLE, "month", "mas"), "y"),
        (lambda: draw_bar_chart(TABLE, "month", "species"), "y"),
        (lambda: draw_line_chart(TABLE, "mont", ["mass"]), "x"),
        (lambda: draw_line_chart(TABLE, "month", ["mas"]), "y"),
        (lambda: draw_histogram(TABLE, "species"), "x"),
        (lambda: draw_histogram(TABLE, "mas"), "x"),
        (lambda: draw_scatter_plot(TABLE, "species", "mass"), "x"),
        (lambda: draw_scatter_plot(TABLE, "mass", "species"), "y"),
        (lambda: draw_scatter_plot(TABLE, "mass", "count", color="specis"), "color"),
    ],
)
def test_a_wrong_column_names_its_parameter(call: Callable[[], Chart], parameter: str) -> None:
    error = refusal(call)
    assert error.parameter == parameter
    assert "does not exist" in error.message or "contains no numbers" in error.message


def test_too_many_series_are_refused() -> None:
    many = pd.DataFrame({"x": range(50), "y": range(50), "who": [f"w{n}" for n in range(50)]})
    assert "50 values" in refusal(lambda: draw_scatter_plot(many, "x", "y", color="who")).message


def test_a_page_with_charts_is_smaller_than_two_megabytes() -> None:
    widgets = [create_plot_widget(draw(TABLE), title="Chart") for draw in CHARTS]
    page = render_page(gather_dashboard("Page", widgets))
    assert PLOTLY.load() in page
    assert len(page.encode()) < 2_000_000


def test_a_trace_that_the_page_cannot_draw_is_refused_with_those_that_it_can() -> None:
    boxes = checked_figure([{"type": "box", "y": [1, 2, 3]}], {})
    error = refusal(lambda: Chart(figure=boxes, runtime=PLOTLY, description="Boxes"))
    assert error.message == "a dashboard cannot draw a trace of the type `box`"
    assert "bar, choropleth, histogram, pie, scatter, scattergeo" in (error.hint or "")
    lines = {"data": [{"x": [1], "y": [1]}], "layout": {}}
    assert Chart(figure=lines, runtime=PLOTLY, description="Without a type, it is scatter").figure is lines
