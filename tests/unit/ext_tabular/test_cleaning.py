"""Duplicates, missing values, summaries."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_core.tasks.results import create_table_widget
from flowlock_ext_tabular.cleaning import Fill, drop_duplicates, drop_missing, fill_missing
from flowlock_ext_tabular.summary import summarize_table

TABLE = pd.DataFrame(
    {"who": ["a", "b", "b", None], "mass": [1.0, None, None, 4.0], "ok": [True, True, True, False]}
)


def refusal(call: Callable[[], Any]) -> TaskError:
    with pytest.raises(TaskError) as caught:
        call()
    return caught.value


def test_equal_rows_are_kept_once() -> None:
    assert len(drop_duplicates(TABLE)) == 3
    last = drop_duplicates(TABLE, columns=["ok"], keep="last")
    assert list(last.index) == [0, 1]
    assert pd.isna(last["mass"].iloc[0])


def test_rows_with_missing_values_are_left_out() -> None:
    assert len(drop_missing(TABLE)) == 1
    assert len(drop_missing(TABLE, columns=["who"])) == 3
    assert len(drop_missing(TABLE, columns=["who", "mass"], how="all")) == 4


@pytest.mark.parametrize(
    ("method", "mass"),
    [
        ("mean", [1.0, 2.5, 2.5, 4.0]),
        ("median", [1.0, 2.5, 2.5, 4.0]),
        ("most_frequent", [1.0, 1.0, 1.0, 4.0]),
        ("previous", [1.0, 1.0, 1.0, 4.0]),
        ("next", [1.0, 4.0, 4.0, 4.0]),
    ],
)
def test_missing_numbers_are_filled_in(method: str, mass: list[float]) -> None:
    filled = fill_missing(TABLE, Fill(method))
    assert list(filled["mass"]) == mass
    assert list(filled.columns) == list(TABLE.columns)


def test_statistics_leave_words_alone_unless_they_are_named() -> None:
    assert fill_missing(TABLE, Fill.MEAN)["who"].isna().sum() == 1
    error = refusal(lambda: fill_missing(TABLE, Fill.MEAN, columns=["who"]))
    assert error.parameter == "method"


def test_a_value_of_choice_is_filled_in() -> None:
    assert list(fill_missing(TABLE, Fill.VALUE, columns=["who"], value="?")["who"]) == ["a", "b", "b", "?"]


@pytest.mark.parametrize(("method", "value"), [("value", None), ("mean", 3)])
def test_method_and_value_must_fit(method: str, value: int | None) -> None:
    assert refusal(lambda: fill_missing(TABLE, Fill(method), value=value)).parameter == "value"


def test_a_column_of_nothing_stays_empty() -> None:
    empty = pd.DataFrame({"a": [None, None]}, dtype="float64")
    for method in (Fill.MEAN, Fill.MEDIAN, Fill.MOST_FREQUENT, Fill.PREVIOUS, Fill.NEXT):
        assert fill_missing(empty, method)["a"].isna().all()


def test_a_summary_has_a_row_for_each_column() -> None:
    summary = summarize_table(TABLE)
    assert list(summary["column"]) == ["who", "mass", "ok"]
    assert list(summary["missing"]) == [1, 2, 0]
    assert list(summary["distinct"]) == [2, 2, 2]
    assert summary["mean"].iloc[1] == 2.5
    assert pd.isna(summary["mean"].iloc[2])
    create_table_widget(summary, title="Summary")


def test_summaries_of_empty_tables_are_possible() -> None:
    assert list(summarize_table(TABLE.head(0))["values"]) == [0, 0, 0]
    assert len(summarize_table(pd.DataFrame())) == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: drop_duplicates(TABLE, columns=["mas"]),
        lambda: drop_missing(TABLE, columns=["mas"]),
        lambda: fill_missing(TABLE, Fill.MEAN, columns=["mas"]),
        lambda: summarize_table(TABLE, columns=["mas"]),
    ],
)
def test_an_absent_column_names_the_parameter(call: Callable[[], Any]) -> None:
    error = refusal(call)
    assert (error.parameter, error.hint) == ("columns", "did you mean `mass`?")


def test_no_task_changes_its_input() -> None:
    before = TABLE.copy(deep=True)
    fill_missing(TABLE, Fill.VALUE, columns=["mass"], value=0)
    drop_missing(TABLE)
    drop_duplicates(TABLE)
    pd.testing.assert_frame_equal(TABLE, before)
