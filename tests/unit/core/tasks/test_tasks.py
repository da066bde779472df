"""The tasks of the core, and what they say about input that does not fit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from flowlock_core.errors import TaskError
from flowlock_core.tables.files import TableFormat
from flowlock_core.tasks.filter import define_time_range, filter_by_time_range, filter_by_values
from flowlock_core.tasks.groupby import (
    Aggregation,
    Function,
    aggregate,
    aggregate_value,
    concat_groups,
    count_rows,
    split_groups,
)
from flowlock_core.tasks.io import load_table, persist_text, save_table
from flowlock_core.tasks.results import create_table_widget
from flowlock_core.tasks.transform import TimePart, add_time_part, rename_columns, select_columns, sort_rows
from flowlock_core.types import TimeRange

TABLE = pd.DataFrame(
    {
        "time": pd.Series(
            pd.to_datetime(["2024-01-01", "2024-01-31T23:30", "2024-02-01", "NaT"], format="ISO8601")
        ),
        "island": ["Dream", "Biscoe", "Dream", None],
        "mass": [3.0, 1.0, None, 5.0],
    }
)


def refusal(call: Callable[[], Any]) -> TaskError:
    """Return the error that a task raises."""
    with pytest.raises(TaskError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.json"])
def test_a_table_saved_in_any_format_loads_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = save_table(TABLE, name)
    assert Path(path) == Path("results") / name
    loaded = load_table(Path(path), time_columns=["time"])
    pd.testing.assert_frame_equal(loaded, TABLE, check_dtype=False)


def test_columns_are_chosen_in_the_order_given(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,c\n1,2,3\n")
    assert list(load_table(tmp_path / "t.csv", columns=["c", "a"]).columns) == ["c", "a"]


def test_the_format_can_be_set_against_the_suffix(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("a\n1\n")
    assert len(load_table(tmp_path / "t.txt", format=TableFormat.CSV)) == 1


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.parquet", b"not parquet", "is not a Parquet file"),
        ("t.json", b'{"a": [1]}', "expected a list of objects, one for each row"),
        ("t.json", b"[1", "line 1, column 3: expecting ',' delimiter"),
        ("t.json", b"[1]", "item 1 of the list is not an object"),
        ("t.json", b'[{"a": NaN}]', "NaN is not a JSON number"),
        ("t.json", b'[{"a": 1, "a": 2}]', "an object has the key `a` twice"),
        ("t.json", b'[{"a": "\xe9"}]', "line 1, column 9 is not UTF-8"),
        ("t.json", b"[" * 100_000, "nested too deeply"),
        ("t.json", b" ", "the file is empty"),
        ("t.dat", b"", "is not a known format"),
    ],
)
def test_a_file_of_another_format_is_told(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    error = refusal(lambda: load_table(tmp_path / name))
    assert says in error.message
    assert error.parameter == "path"
    assert error.hint


def test_an_absent_file_gets_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "penguins.csv").touch()
    error = refusal(lambda: load_table(tmp_path / "pengiuns.csv"))
    assert (error.parameter, error.hint) == ("path", "did you mean `penguins.csv`?")
    assert "does not exist either" in (refusal(lambda: load_table(tmp_path / "no" / "x.csv")).hint or "")
    assert "is a folder" in refusal(lambda: load_table(tmp_path)).message


def test_an_absent_column_names_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("mass,island\n1,2\n")
    error = refusal(lambda: load_table(tmp_path / "t.csv", columns=["Mas"]))
    assert error.message == "column `Mas` does not exist; the columns are mass, island"
    assert (error.parameter, error.hint) == ("columns", "did you mean `mass`?")


def test_values_that_are_no_times_are_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("when\nsoon\n")
    error = refusal(lambda: load_table(tmp_path / "t.csv", time_columns=["when"]))
    assert error.parameter == "time_columns"
    assert error.message.startswith("the column `when` cannot be read as times: `soon` is not a date")


@pytest.mark.parametrize("text", ["2024-01-02\n2024-01-02T03:04:05\n", "2024/01/02\n2024/01/03\n"])
def test_days_and_times_may_be_mixed(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(f"when\n{text}")
    times = load_table(tmp_path / "t.csv", time_columns=["when"])["when"]
    assert times.dt.year.tolist() == [2024, 2024]


def test_saving_into_a_file_as_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").touch()
    assert "cannot make the folder" in refusal(lambda: persist_text("x", "x.txt")).message
    assert "suffix" in refusal(lambda: save_table(TABLE, "x.dat")).message


def test_both_ends_of_a_time_range_belong_to_it() -> None:
    january = TimeRange.model_validate({"since": "2024-01-01", "until": "2024-01-31"})
    assert list(filter_by_time_range(TABLE, "time", january)["mass"]) == [3.0, 1.0]
    assert define_time_range(january) is january


def test_a_day_from_yaml_is_a_whole_day_too() -> None:
    day = pd.Timestamp("2024-01-31").date()
    whole = TimeRange.model_validate({"since": day, "until": day})
    assert len(filter_by_time_range(TABLE, "time", whole)) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"since": "2024-02-01", "until": "2024-01-01"}, "is later than"),
        ({"since": "2024-01-01T00:00:00Z", "until": "2024-01-02T00:00:00"}, "time zone"),
        ({"since": "soon", "until": "2024-01-01"}, "a date or time in ISO 8601"),
        ({"since": "2024-01-01"}, "required"),
    ],
)
def test_a_bad_time_range_is_told(given: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TimeRange.model_validate(given)


def test_time_zones_are_taken_from_the_column_and_refused_without() -> None:
    zoned = TABLE.assign(time=TABLE["time"].dt.tz_localize("Europe/Vienna"))
    january = TimeRange.model_validate({"since": "2024-01-01", "until": "2024-01-31"})
    assert len(filter_by_time_range(zoned, "time", january)) == 2
    utc = TimeRange.model_validate({"since": "2024-01-01T00:00Z", "until": "2024-01-31T00:00Z"})
    assert len(filter_by_time_range(zoned, "time", utc)) == 0
    assert refusal(lambda: filter_by_time_range(TABLE, "time", utc)).parameter == "time_range"


def test_a_column_without_times_points_at_the_loading_step() -> None:
    january = TimeRange.model_validate({"since": "2024-01-01", "until": "2024-01-31"})
    error = refusal(lambda: filter_by_time_range(TABLE, "mass", january))
    assert error.parameter == "time_column"
    assert "time_columns" in (error.hint or "")


def test_rows_are_kept_or_left_out_by_value() -> None:
    assert list(filter_by_values(TABLE, "island", ["Dream"])["mass"].dropna()) == [3.0]
    assert list(filter_by_values(TABLE, "island", ["Dream"], exclude=True)["mass"]) == [1.0, 5.0]


def test_groups_come_sorted_with_the_missing_last() -> None:
    groups = split_groups(TABLE, ["island"])
    assert [key for key, _ in groups] == [
        (("island", "=", "Biscoe"),),
        (("island", "=", "Dream"),),
        (("island", "=", None),),
    ]
    assert [len(part) for _, part in groups] == [1, 2, 1]


def test_keys_do_not_depend_on_the_order_of_columns() -> None:
    df = pd.DataFrame({"b": [2, 1], "a": ["x", "y"]})
    one, two = split_groups(df, ["b", "a"]), split_groups(df, ["a", "b"])
    assert (
        [key for key, _ in one]
        == [key for key, _ in two]
        == [
            (("a", "=", "x"), ("b", "=", 2)),
            (("a", "=", "y"), ("b", "=", 1)),
        ]
    )
    assert type(one[0][0][1][2]) is int


def test_groups_go_back_together_with_their_columns() -> None:
    groups = [(key, part.drop(columns="island")) for key, part in split_groups(TABLE, ["island"])]
    whole = concat_groups(groups)
    assert list(whole.columns) == ["island", "time", "mass"]
    assert list(whole["island"].dropna()) == ["Biscoe", "Dream", "Dream"]


def test_aggregates_have_the_columns_asked_for() -> None:
    asked = [
        Aggregation(column="mass", function=Function.MEAN),
        Aggregation(column="mass", function=Function.COUNT, name="weighed"),
        Aggregation(column="time", function=Function.MAX, name="latest"),
        Aggregation(column="mass", function=Function.DISTINCT, name="masses"),
    ]
    found = aggregate(TABLE, ["island"], asked)
    assert list(found.columns) == ["island", "mass", "weighed", "latest", "masses"]
    assert list(found["weighed"]) == [1, 1, 1]
    assert list(found["mass"]) == [1.0, 3.0, 5.0]


@pytest.mark.parametrize(
    ("column", "function", "name", "parameter", "says"),
    [
        ("mas", "mean", None, "aggregations[0].column", "column `mas` does not exist"),
        ("island", "mean", "x", "aggregations[0].function", "does not contain numbers"),
        ("mass", "mean", "island", "aggregations", "two columns of the result would be named `island`"),
    ],
)
def test_an_aggregate_that_cannot_be_is_told(
    column: str, function: str, name: str | None, parameter: str, says: str
) -> None:
    asked = [Aggregation(column=column, function=Function(function), name=name)]
    error = refusal(lambda: aggregate(TABLE, ["island"], asked))
    assert says in error.message
    assert error.parameter == parameter


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("count", 3),
        ("distinct", 3),
        ("sum", 9.0),
        ("mean", 3.0),
        ("median", 3.0),
        ("min", 1.0),
        ("max", 5.0),
        ("std", 2.0),
        ("first", 3.0),
        ("last", 5.0),
    ],
)
def test_a_value_is_made_of_a_column(function: str, value: float) -> None:
    found = aggregate_value(TABLE, "mass", Function(function))
    assert found == value
    assert type(found) in (int, float)


def test_a_value_of_nothing_is_nothing() -> None:
    empty = TABLE.head(0)
    assert aggregate_value(empty, "mass", Function.MEAN) is None
    assert aggregate_value(empty, "mass", Function.FIRST) is None
    assert aggregate_value(empty, "mass", Function.COUNT) == 0
    assert count_rows(empty) == 0


def test_a_value_of_words_is_a_word() -> None:
    assert aggregate_value(TABLE, "island", Function.MIN) == "Biscoe"
    error = refusal(lambda: aggregate_value(TABLE, "island", Function.MEAN))
    assert error.parameter == "function"


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("year", 2024),
        ("quarter", "2024-Q1"),
        ("month", "2024-01"),
        ("day", "2024-01-31"),
        ("month_of_year", "01"),
        ("day_of_week", "3"),
        ("hour", 23),
    ],
)
def test_a_part_of_a_time_becomes_a_column(part: str, value: Any) -> None:
    found = add_time_part(TABLE, "time", TimePart(part))
    assert found[part].iloc[1] == value
    assert pd.isna(found[part].iloc[3])
    assert "when" in add_time_part(TABLE, "time", TimePart(part), name="when").columns


def test_columns_are_selected_renamed_and_rows_sorted() -> None:
    assert list(select_columns(TABLE, ["mass", "time"]).columns) == ["mass", "time"]
    assert list(rename_columns(TABLE, {"mass": "m"}).columns) == ["time", "island", "m"]
    assert list(sort_rows(TABLE, ["mass"], descending=True)["mass"].head(3)) == [5.0, 3.0, 1.0]
    assert "two columns" in refusal(lambda: rename_columns(TABLE, {"mass": "time"})).message
    for call in (
        lambda: select_columns(TABLE, ["mas"]),
        lambda: rename_columns(TABLE, {"mas": "m"}),
        lambda: sort_rows(TABLE, ["mas"]),
        lambda: split_groups(TABLE, ["mas"]),
        lambda: filter_by_values(TABLE, "mas", [1]),
        lambda: create_table_widget(TABLE, title="T", columns=["mas"]),
    ):
        assert refusal(call).hint == "did you mean `mass`?"


def test_no_task_changes_its_input() -> None:
    before = TABLE.copy(deep=True)
    add_time_part(TABLE, "time", TimePart.YEAR)
    split_groups(TABLE, ["island"])
    sort_rows(TABLE, ["mass"])
    filter_by_values(TABLE, "island", ["Dream"])
    pd.testing.assert_frame_equal(TABLE, before)
