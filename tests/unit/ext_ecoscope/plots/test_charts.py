"""Charts over time: which bars there are, how high, in which colours."""

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_ext_ecoscope.plots.charts import draw_ecoplot, draw_pie_chart, draw_time_series_bar_chart
from flowlock_ext_ecoscope.plots.styles import GroupedPlotStyle, PlotCategoryStyle

TABLE = pd.DataFrame(
    {
        "time": pd.to_datetime(
            ["2024-01-31T23:30Z", "2024-01-02T00:00Z", "2024-02-01T00:00Z", "2024-02-29T00:00Z"]
        ),
        "kind": ["a", "b", "a", "a"],
        "animals": [1, 2, 3, 4],
        "color": ["#111111", "#222222", "#111111", "#111111"],
    }
)


def test_bars_are_sums_by_interval_and_category() -> None:
    chart = draw_time_series_bar_chart(TABLE, "time", "animals", "kind", "sum", time_interval="month")
    bars = {trace["name"]: dict(zip(trace["x"], trace["y"], strict=True)) for trace in chart.figure["data"]}
    assert bars == {"a": {"2024-01-01": 1, "2024-02-01": 7}, "b": {"2024-01-01": 2}}
    assert chart.series == ("a", "b")


def test_intervals_are_those_of_the_zone_of_the_times() -> None:
    local = TABLE.assign(time=TABLE["time"].dt.tz_convert("Africa/Nairobi"))
    chart = draw_time_series_bar_chart(local, "time", "animals", "kind", "count", time_interval="day")
    assert chart.figure["data"][0]["x"][0] == "2024-02-01"


def test_colours_are_those_of_the_column_and_then_of_the_styles() -> None:
    styles = [GroupedPlotStyle(category="b", plot_style=PlotCategoryStyle(marker_color="#333333"))]
    chart = draw_time_series_bar_chart(
        TABLE,
        "time",
        "animals",
        "kind",
        "mean",
        time_interval="year",
        color_column="color",
        grouped_styles=styles,
    )
    assert [trace["marker"]["color"] for trace in chart.figure["data"]] == ["#111111", "#333333"]


def test_a_pie_adds_up_numbers_or_counts_values() -> None:
    (summed,) = draw_pie_chart(TABLE, "animals", "kind").figure["data"]
    assert (summed["labels"], summed["values"]) == (["a", "b"], [8, 2])
    (counted,) = draw_pie_chart(TABLE, "kind").figure["data"]
    assert counted["values"] == [3, 1]


def test_lines_are_sorted_and_texts_cannot_be_added_up() -> None:
    a, _ = draw_ecoplot(TABLE, "kind", "time", "animals").figure["data"]
    assert a["y"] == [1, 3, 4]
    with pytest.raises(TaskError, match="contains no numbers"):
        draw_time_series_bar_chart(TABLE, "time", "kind", "kind", "sum", time_interval="day")
    with pytest.raises(TaskError, match="nothing to draw"):
        draw_pie_chart(TABLE.head(0), "kind")
