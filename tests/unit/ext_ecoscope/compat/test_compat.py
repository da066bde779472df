"""The tasks by the names of ecoscope-workflows-core give what flowlock's own tasks take."""

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_core.results import SingleValue, Widget
from flowlock_core.tasks.groupby import split_groups
from flowlock_core.tasks.results import gather_dashboard
from flowlock_ext_ecoscope.compat.groups import (
    Grouper,
    TemporalIndex,
    add_temporal_index,
    groupbykey,
    set_groupers,
    set_time_range,
)
from flowlock_ext_ecoscope.compat.values import (
    Quantity,
    Unit,
    dataframe_column_max,
    dataframe_column_mean,
    dataframe_column_min,
    dataframe_column_nunique,
    dataframe_column_sum,
    dataframe_count,
    map_values_with_unit,
    with_unit,
)
from flowlock_ext_ecoscope.compat.widgets import create_single_value_widget_single_view, merge_widget_views

TABLE = pd.DataFrame(
    {
        "time": pd.to_datetime(["2024-09-01T05:00Z", "2024-04-02T00:00Z", ""]),
        "kind": ["a", "b", "a"],
        "meters": [1500.0, 500.0, None],
    }
)


def test_groupers_name_columns_and_parts_of_times_that_are_added() -> None:
    groupers = set_groupers([Grouper(index_name="kind"), Grouper(temporal_index=TemporalIndex.MONTH)])
    assert groupers == ["kind", "month"]
    indexed = add_temporal_index(TABLE, "time", groupers)
    assert indexed["month"].tolist()[:2] == ["September", "April"]
    # Months sort in the order of time, not by their letters.
    assert indexed["month"].min() == "April"
    groups = split_groups(indexed, ["month"])
    assert [key[0][2] for key, _ in groups] == ["April", "September", None]
    hours = add_temporal_index(TABLE, "time", index_name="at", directive=TemporalIndex.HOUR)
    assert hours["at"].tolist()[0] == "05"
    with pytest.raises(TaskError, match="needs `index_name` or `temporal_index`"):
        set_groupers([Grouper()])


def test_results_of_steps_are_gathered_by_their_groups() -> None:
    a, b = (("kind", "=", "a"),), (("kind", "=", "b"),)
    assert groupbykey([[(a, 1), (b, 2)], [(b, 3)]]) == [(a, [1]), (b, [2, 3])]


def test_a_time_range_is_that_of_the_core() -> None:
    chosen = set_time_range("2024-01-01", "2024-01-31")
    assert (chosen.since.day, chosen.until.day, chosen.until.hour) == (1, 31, 23)


def test_columns_become_single_values() -> None:
    assert dataframe_count(TABLE) == 3
    assert dataframe_column_sum(TABLE, "meters") == 2000
    assert dataframe_column_mean(TABLE, "meters") == 1000
    assert (dataframe_column_min(TABLE, "meters"), dataframe_column_max(TABLE, "meters")) == (500, 1500)
    assert dataframe_column_nunique(TABLE, "kind") == 2
    with pytest.raises(TaskError, match="column `feet` does not exist"):
        dataframe_column_sum(TABLE, "feet")


def test_units_are_converted_within_their_measure_only() -> None:
    assert with_unit(1500.0, Unit.METER, Unit.KILOMETER) == Quantity(value=1.5, unit=Unit.KILOMETER)
    speed = with_unit(10.0, Unit.METERS_PER_SECOND, Unit.KILOMETERS_PER_HOUR)
    assert speed.value == pytest.approx(36)
    assert with_unit(None, Unit.DAY, Unit.HOUR).value is None
    with pytest.raises(TaskError, match="m is a unit of length, s of time"):
        with_unit(1.0, Unit.METER, Unit.SECOND)
    shown = map_values_with_unit(
        TABLE, "meters", "km", original_unit=Unit.METER, new_unit=Unit.KILOMETER, decimal_places=2
    )
    assert shown["km"].tolist()[:2] == ["1.50 km", "0.50 km"]
    assert pd.isna(shown["km"][2])


def test_widgets_of_groups_share_a_card() -> None:
    views = [
        create_single_value_widget_single_view("Distance", Quantity(value=1.0, unit=Unit.KILOMETER), key)
        for key, _ in split_groups(TABLE, ["kind"])
    ]
    alone = create_single_value_widget_single_view("Animals", 3)
    assert isinstance(alone, Widget)
    dashboard = gather_dashboard("Page", [merge_widget_views(views), alone])
    assert [card.title for card in dashboard.cards] == ["Distance", "Animals"]
    assert dashboard.filters() == {"kind": ["a", "b"]}
    content = dashboard.cards[0].views[0].content
    assert isinstance(content, SingleValue)
    assert (content.value, content.unit) == (1.0, "km")


@pytest.mark.parametrize("value", [2.5, Quantity(value=2.5), Quantity(value=2.5, unit=Unit.HOUR)])
def test_a_number_without_a_unit_is_shown_with_that_of_the_card(value: float | Quantity) -> None:
    widget = create_single_value_widget_single_view("Time", value, unit=Unit.HOUR)
    assert isinstance(widget, Widget)
    assert widget.content == SingleValue(value=2.5, unit="h", decimals=1)


def test_a_card_does_not_give_a_number_another_unit() -> None:
    with pytest.raises(TaskError, match="the value is in h, not in d"):
        create_single_value_widget_single_view("Time", Quantity(value=1, unit=Unit.HOUR), unit=Unit.DAY)
