"""Duplicates, missing values, summaries."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_core.tasks.results import create_table_widget
from flowlock_ext_tabular.cleaning import Fill, drop_missing, fill_missing, remove_duplicates
from flowlock_ext_tabular.summary import summarize_table

TABLE = pd.DataFrame(
    {"who": ["a", "b", "b", None], "mass": [1.0, None, None, 4.0], "ok": [True, True, True, False]}
)


def refusal(call: Callable[[], Any]) -> TaskError:
    with pytest.raises(TaskError) as caught:
        call()
    return caught.value


def test_equal_rows_are_kept_once() -> None:
    assert len(remove_duplicates(TABLE)) == 3
    last = remove_duplicates(TABLE, columns=["ok"], keep="last")
    assert list(last.index) == [0, 1]
    assert pd.isna(last["mass"].iloc[0])


def test_all_of_several_equal_rows_can_be_removed() -> None:
    assert remove_duplicates(TABLE, keep="none")["who"].tolist()[:1] == ["a"]
    assert len(remove_duplicates(TABLE, keep="none")) == 2
    assert len(remove_duplicates(TABLE, columns=["ok"], keep="none")) == 1


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


GROUPS = pd.DataFrame(
    {
        "town": ["a", "b", "a", "b", None, None, "a", "c"],
        "count": pd.array([1, None, 3, 8, 5, None, None, None], dtype="Int64"),
        "mass": [1.0, None, 4.0, 8.0, 5.0, None, None, None],
        "word": ["x", None, "x", "z", "y", None, None, None],
        "day": [pd.Timestamp("2024-01-01"), pd.NaT, pd.Timestamp("2024-01-03"), pd.Timestamp("2024-01-08")]
        + [pd.NaT] * 4,
    }
)


@pytest.mark.parametrize(
    ("method", "mass", "word", "day"),
    [
        ("mean", [1, 8, 4, 8, 5, 5, 2.5, None], None, None),
        ("median", [1, 8, 4, 8, 5, 5, 2.5, None], None, None),
        (
            "most_frequent",
            [1, 8, 4, 8, 5, 5, 1, None],
            ["x", "z", "x", "z", "y", "y", "x", None],
            [1, 8, 3, 8, 1],
        ),
        (
            "previous",
            [1, None, 4, 8, 5, 5, 4, None],
            ["x", None, "x", "z", "y", "y", "x", None],
            [1, 0, 3, 8, 3],
        ),
        (
            "next",
            [1, 8, 4, 8, 5, None, None, None],
            ["x", "z", "x", "z", "y", None, None, None],
            [1, 8, 3, 8, 0],
        ),
    ],
)
def test_each_group_is_filled_with_its_own_values(
    method: str, mass: list[Any], word: list[Any] | None, day: list[int] | None
) -> None:
    filled = fill_missing(GROUPS, Fill(method), by=["town"])

    def plain(column: str) -> list[Any]:
        return [None if pd.isna(value) else value for value in filled[column]]

    assert plain("mass") == mass
    assert filled["town"].equals(GROUPS["town"])
    assert word is None or plain("word") == word
    # Of the days, those of the rows 1 to 4 and 7; 0 is none.
    days = filled["day"].dt.day.fillna(0).astype(int).tolist()
    assert day is None or [*days[:4], days[6]] == day
    counts = fill_missing(GROUPS, Fill(method), columns=["count"], by=["town"])["count"]
    assert counts.notna().sum() >= 4


def test_groups_are_of_no_use_to_a_value_of_choice_and_words_have_no_mean() -> None:
    assert refusal(lambda: fill_missing(GROUPS, Fill.VALUE, value=1, by=["town"])).parameter == "by"
    assert (
        refusal(lambda: fill_missing(GROUPS, Fill.MEAN, by=["town"], columns=["word"])).parameter == "method"
    )
    assert refusal(lambda: fill_missing(GROUPS, Fill.MEAN, by=["twn"])).hint == "did you mean `town`?"


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
        lambda: remove_duplicates(TABLE, columns=["mas"]),
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
    remove_duplicates(TABLE)
    pd.testing.assert_frame_equal(TABLE, before)
