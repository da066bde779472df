"""Comparing and adding up: times with times, integers to the last digit, nothing from nothing."""

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_core.tasks.filter import filter_by_time_range, filter_by_values
from flowlock_core.tasks.groupby import Aggregation, Function, aggregate, aggregate_value, concat_groups
from flowlock_core.tasks.transform import TimePart, add_time_part, sort_rows
from flowlock_core.types import TimeRange

TIMES = pd.Series(pd.to_datetime(["2024-01-01", "2024-01-01T12:00", "2024-01-02", "NaT"], format="ISO8601"))
COLUMNS: dict[str, "pd.Series[Any]"] = {
    "times": TIMES,
    "times in UTC": TIMES.dt.tz_localize("UTC"),
    "texts": pd.Series(["1", "true", "2024-01-01", None], dtype="str"),
    "integers": pd.Series([1, 2, 9007199254740993, None], dtype="Int64"),
    "fractions": pd.Series([1.0, 0.1, 3.0, None]),
    "truth": pd.Series([True, False, True, None], dtype="boolean"),
    "category": pd.Series(["a", "b", "a", None], dtype="category"),
    "decimals": pd.Series([Decimal("0.1"), Decimal(2), None, Decimal(2)], dtype="object"),
    "mixed": pd.Series([1, "1", True, None], dtype="object"),
    "days": pd.Series([pd.Timestamp("2024-01-01").date(), None, None, None], dtype="object"),
    "nothing": pd.Series([None] * 4, dtype="float64"),
}


@pytest.mark.parametrize(
    ("column", "values", "rows"),
    [
        ("times", ["2024-01-01"], [0, 1]),
        ("times", ["2024-01-01T12:00"], [1]),
        ("times", ["2024-01-02", "2024-01-01T00:00"], [0, 2]),
        ("times in UTC", ["2024-01-01"], [0, 1]),
        ("times in UTC", ["2024-01-01T13:00+01:00"], [1]),
        ("texts", ["1", "2024-01-01"], [0, 2]),
        ("integers", [1, 9007199254740993], [0, 2]),
        ("integers", [9007199254740992], []),
        ("integers", [2.0], [1]),
        ("fractions", [1, 0.1], [0, 1]),
        ("truth", [True], [0, 2]),
        ("category", ["a"], [0, 2]),
        ("decimals", [0.1, 2], [0, 1, 3]),
        ("mixed", [1], [0]),
        ("mixed", ["1", True], [1, 2]),
        ("days", ["2024-01-01"], [0]),
        ("nothing", ["x"], []),
    ],
)
def test_values_are_compared_as_what_the_column_holds(
    column: str, values: list[Any], rows: list[int]
) -> None:
    df = pd.DataFrame({"v": COLUMNS[column], "row": range(4)})
    assert filter_by_values(df, "v", values)["row"].tolist() == rows
    others = [row for row in range(4) if row not in rows]
    assert filter_by_values(df, "v", values, exclude=True)["row"].tolist() == others


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("times", "monday"), ("times", 1), ("times", "now"), ("times", "2024-01-01T00:00Z"), ("texts", 1),
        ("texts", True), ("integers", "1"), ("integers", True), ("fractions", "0.1"), ("truth", 1),
        ("truth", "true"), ("category", 1), ("decimals", "2"), ("days", 3),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(column: str, value: Any) -> None:
    with pytest.raises(TaskError) as caught:
        filter_by_values(pd.DataFrame({"v": COLUMNS[column]}), "v", [value])
    assert caught.value.parameter == "values"


@pytest.mark.parametrize(
    ("until", "rows"), [("2024-01-01", 2), ("2024-01-01T23:59:59.999999", 2), ("2024-01-01T12:00", 1)]
)
def test_the_last_nanosecond_of_a_day_belongs_to_it(until: str, rows: int) -> None:
    times = pd.to_datetime(
        pd.Series(["2024-01-01", "2024-01-01T23:59:59.999999999", "2024-01-02"]), format="ISO8601"
    )
    span = TimeRange.model_validate({"since": "2024-01-01", "until": until})
    assert len(filter_by_time_range(pd.DataFrame({"t": times}), "t", span)) == rows


@pytest.mark.parametrize(
    "value", [0, 1704067200, "1704067200", "now", "today", "2024", "01.02.2024", "2024-02-30", None]
)
@pytest.mark.parametrize("end", ["since", "until"])
def test_a_range_of_words_or_bare_numbers_is_refused(end: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"ISO 8601|does not exist"):
        TimeRange.model_validate({"since": "2024-01-01", "until": "2024-12-31", end: value})


def test_a_sum_of_integers_is_exact_or_refused() -> None:
    large = pd.DataFrame({"g": ["a", "a", "b"], "n": [2**62, 2**62, -5]})
    assert aggregate_value(large, "n", Function.SUM) == 2**63 - 5
    by_group = [Aggregation(column="n", function=Function.SUM)]
    assert aggregate(large.iloc[1:], ["g"], by_group)["n"].tolist() == [2**62, -5]
    with pytest.raises(TaskError, match="is 9223372036854775808, which exceeds 64 bits"):
        aggregate(large, ["g"], by_group)
    unsigned = pd.DataFrame({"n": pd.Series([2**64 - 1, 1], dtype="uint64")})
    assert aggregate_value(unsigned, "n", Function.SUM) == 2**64
    least = pd.DataFrame({"n": [-(2**63), -1]})
    assert aggregate_value(least, "n", Function.SUM) == -(2**63) - 1


@pytest.mark.parametrize("dtype", ["Int64", "float64", "Float64", "boolean"])
def test_an_aggregate_of_nothing_is_nothing(dtype: str) -> None:
    df = pd.DataFrame({"g": ["a", "b"], "v": pd.Series([1, None], dtype=dtype)})
    nothing = df.iloc[1:]
    for function in (Function.SUM, Function.MEAN, Function.MIN, Function.FIRST, Function.MEDIAN):
        assert aggregate_value(nothing, "v", function) is None
    sums = aggregate(df, ["g"], [Aggregation(column="v", function=Function.SUM)])["v"]
    assert sums.isna().tolist() == [False, True]


@pytest.mark.parametrize("function", [Function.MIN, Function.MAX, Function.FIRST, Function.LAST])
def test_identifiers_pass_through_aggregates_unchanged(function: Function) -> None:
    df = pd.DataFrame({"g": ["a", "b"], "id": pd.Series([9007199254740993, None], dtype="Int64")})
    assert aggregate_value(df, "id", function) == 9007199254740993
    found = aggregate(df, ["g"], [Aggregation(column="id", function=function)])["id"]
    assert found.tolist()[0] == 9007199254740993


def test_values_without_an_order_are_refused_in_our_words() -> None:
    mixed = pd.DataFrame({"v": pd.Series([1, "x"], dtype="object")})
    for call in (lambda: sort_rows(mixed, ["v"]), lambda: aggregate_value(mixed, "v", Function.MAX)):
        with pytest.raises(TaskError, match="cannot be ordered together"):
            call()


def test_an_empty_table_is_the_reason_why_there_are_no_groups() -> None:
    with pytest.raises(TaskError, match="the table that was split is empty"):
        concat_groups([])


def test_a_year_stays_a_whole_number_beside_a_missing_time() -> None:
    years = add_time_part(pd.DataFrame({"t": TIMES}), "t", TimePart.YEAR)["year"]
    assert [str(year) for year in years] == ["2024", "2024", "2024", "<NA>"]
