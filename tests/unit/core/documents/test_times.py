"""Times in text: ISO 8601 or a format that is named, and nothing by guessing."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flowlock_core.documents.times import parse_time, same_time
from flowlock_core.errors import TaskError
from flowlock_core.tasks.io import load_table


def times(folder: Path, *values: str, time_format: str | None = None) -> list[str]:
    path = folder / "t.csv"
    path.write_text("t\n" + "".join(f"{value}\n" for value in values))
    df = load_table(path, time_columns=["t"], time_format=time_format)
    return ["" if value is pd.NaT else value.isoformat() for value in df["t"].tolist()]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["2024-01-31", "2024-02-01T12:30"], ["2024-01-31T00:00:00", "2024-02-01T12:30:00"]),
        (["2012/01/02"], ["2012-01-02T00:00:00"]),
        (["2024-01-01 00:00:00.123456"], ["2024-01-01T00:00:00.123456"]),
        (["2024-01-01T23:59:59.999999999"], ["2024-01-01T23:59:59.999999999"]),
        (["2024-01-01T00:00Z"], ["2024-01-01T00:00:00+00:00"]),
        (
            ["2024-01-01T00:00+05:30", "2024-06-01T00:00+05:30"],
            ["2024-01-01T00:00:00+05:30", "2024-06-01T00:00:00+05:30"],
        ),
        # Winter and summer of one place: in UTC, which the values say.
        (
            ["2024-01-01T12:00+01:00", "2024-07-01T12:00+02:00"],
            ["2024-01-01T11:00:00+00:00", "2024-07-01T10:00:00+00:00"],
        ),
        (
            ["2024-01-01T12:00Z", "2024-07-01T12:00+02:00"],
            ["2024-01-01T12:00:00+00:00", "2024-07-01T10:00:00+00:00"],
        ),
        (["2024-01-01", "NA", "NaT"], ["2024-01-01T00:00:00", "", ""]),
        (["0001-01-01", "9999-12-31"], ["0001-01-01T00:00:00", "9999-12-31T00:00:00"]),
    ],
)
def test_iso_8601_is_read_to_the_last_digit(values: list[str], expected: list[str], tmp_path: Path) -> None:
    assert times(tmp_path, *values) == expected


@pytest.mark.parametrize(
    ("values", "reason", "hint"),
    [
        (["01.02.2024"], "`01.02.2024` is ambiguous", "%d.%m.%Y"),
        (["01/02/2024"], "`01/02/2024` is ambiguous", "%m/%d/%Y"),
        (["31.01.2024", "01.02.2024"], "`31.01.2024` is not in ISO 8601", "%d.%m.%Y"),
        (["12/31/2024"], "`12/31/2024` is not in ISO 8601", "%m/%d/%Y"),
        (["2024-01-01", "01.02.2024"], "`01.02.2024` is ambiguous", "%d.%m.%Y"),
        (["2024-01-01", "now"], "`now` is not a date", "time_format"),
        (["today"], "`today` is not a date", "time_format"),
        (["2024"], "`2024` is not a date", "time_format"),
        (["20240131"], "`20240131` is not a date", "time_format"),
        (["1706659200"], "`1706659200` is not a date", "time_format"),
        (["2024-01"], "`2024-01` is not a date", "time_format"),
        (["2024-02-30"], "`2024-02-30` is not a date or time that exists", ""),
        (["2024-01-01T25:00"], "is not a date or time that exists", ""),
        (["2024-01-01T00:00+01:00", "2024-01-01T00:00"], "has an offset from UTC", "with an offset"),
        (["2024-01-01T00:00:00.1234567891"], "more precise than nanoseconds", ""),
        (["2024-01-01T00:00:00.123456789", "3000-01-01"], "between the years 1678 and 2261", ""),
        (["yesterday"], "is not a date", "time_format"),
    ],
)
def test_what_is_not_iso_8601_is_refused_with_the_parameter_that_settles_it(
    values: list[str], reason: str, hint: str, tmp_path: Path
) -> None:
    with pytest.raises(TaskError) as caught:
        times(tmp_path, *values)
    assert reason in caught.value.message
    assert hint in (caught.value.hint or "")
    assert "pandas" not in caught.value.message


@pytest.mark.parametrize(
    ("values", "time_format", "expected"),
    [
        (["01.02.2024", "31.01.2024"], "%d.%m.%Y", ["2024-02-01T00:00:00", "2024-01-31T00:00:00"]),
        (["01/02/2024"], "%m/%d/%Y", ["2024-01-02T00:00:00"]),
        (["20240131"], "%Y%m%d", ["2024-01-31T00:00:00"]),
        (["2024"], "%Y", ["2024-01-01T00:00:00"]),
        (
            ["1.7.2024 12:00 +0200", "1.1.2024 12:00 +0100"],
            "%d.%m.%Y %H:%M %z",
            ["2024-07-01T10:00:00+00:00", "2024-01-01T11:00:00+00:00"],
        ),
    ],
)
def test_a_format_is_followed(
    values: list[str], time_format: str, expected: list[str], tmp_path: Path
) -> None:
    assert times(tmp_path, *values, time_format=time_format) == expected


@pytest.mark.parametrize("values", [["2024-01-31"], ["32.01.2024"], ["now"], ["today"]])
def test_what_a_format_does_not_fit_is_refused(values: list[str], tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="is not a date or time"):
        times(tmp_path, *values, time_format="%d.%m.%Y")


@pytest.mark.parametrize("time_format", ["%Q", "%d.%m.%Y%"])
def test_a_format_of_unknown_directives_is_refused(time_format: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError) as caught:
        times(tmp_path, "01.02.2024", time_format=time_format)
    assert caught.value.parameter in ("time_format", "time_columns")


@pytest.mark.parametrize(
    "value", ["now", "today", 0, 1.5, "1706659200", "2024", True, None, "2024-02-30", "01.02.2024"]
)
def test_words_and_bare_numbers_are_not_times(value: Any) -> None:
    with pytest.raises(ValueError, match=r"ISO 8601|does not exist"):
        parse_time(value)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2024-01-01", "2024-01-01T00:00:00", True),
        ("2024-01-01", "2024-01-01T00:00:00.000000001", False),
        ("2024-01-01T00:00:00.5", "2024-01-01 00:00:00.500", True),
        ("2024-01-01T12:00+01:00", "2024-01-01T11:00Z", True),
        ("2024-01-01T12:00", "2024-01-01T12:00Z", False),
        ("x", "x", False),
        ("2024-02-30", "2024-02-30", False),
    ],
)
def test_times_are_compared_as_moments(first: str, second: str, *, same: bool) -> None:
    assert same_time(first, second) is same
