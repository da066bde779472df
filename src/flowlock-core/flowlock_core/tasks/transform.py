"""Tasks that change a table's columns or the order of its rows."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, assert_never

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns, require_times
from flowlock_core.task import task
from flowlock_core.types import DataFrame

if TYPE_CHECKING:
    import pandas as pd


class TimePart(Enum):
    """What to take of a time; all but `year` and `hour` are text that sorts in the order of time."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    DAY = "day"
    MONTH_OF_YEAR = "month_of_year"
    DAY_OF_WEEK = "day_of_week"
    HOUR = "hour"


@task
def add_time_part(
    df: Annotated[DataFrame, Field(title="Table", description="The table to add a column to.")],
    time_column: Annotated[str, Field(title="Time column", description="The column of dates or times.")],
    part: Annotated[
        TimePart,
        Field(
            title="Part",
            description="year: 2015, quarter: 2015-Q1, month: 2015-01, day: 2015-01-31, "
            "month_of_year: 01 to 12, day_of_week: 1 (Monday) to 7, hour: 0 to 23.",
        ),
    ],
    *,
    name: Annotated[
        str | None,
        Field(title="Name", description="The name of the new column; the name of the part if left empty."),
    ] = None,
) -> DataFrame:
    """Add a column with a part of a time, for grouping."""
    require_times(df, time_column, "time_column")
    return df.assign(**{name or part.value: _part(df[time_column], part)})


FORMATS = {
    TimePart.MONTH: "%Y-%m",
    TimePart.DAY: "%Y-%m-%d",
    TimePart.MONTH_OF_YEAR: "%m",
    TimePart.DAY_OF_WEEK: "%u",
}


def _part(times: "pd.Series[Any]", part: TimePart) -> "pd.Series[Any]":
    parts: pd.Series[Any]
    match part:
        case TimePart.YEAR:
            parts = _whole(times.dt.year)
        case TimePart.HOUR:
            parts = _whole(times.dt.hour)
        case TimePart.QUARTER:
            parts = times.dt.strftime("%Y-Q") + times.dt.quarter.astype("Int64").astype("string")
        case TimePart.MONTH | TimePart.DAY | TimePart.MONTH_OF_YEAR | TimePart.DAY_OF_WEEK:
            parts = times.dt.strftime(FORMATS[part])
        case _:
            assert_never(part)
    return parts


def _whole(numbers: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return whole numbers as such: pandas makes 2024.0 of a year where another time is missing."""
    return numbers.astype("Int64") if numbers.isna().any() else numbers


@task
def select_columns(
    df: Annotated[DataFrame, Field(title="Table", description="The table to select columns from.")],
    columns: Annotated[
        list[str], Field(title="Columns", description="The columns to keep, in this order.", min_length=1)
    ],
) -> DataFrame:
    """Select some columns of a table, in the given order."""
    require_columns(df, columns, "columns")
    return df[columns]


@task
def rename_columns(
    df: Annotated[DataFrame, Field(title="Table", description="The table whose columns are renamed.")],
    names: Annotated[
        dict[str, str],
        Field(title="Names", description="Old name to new name; other columns keep their names."),
    ],
) -> DataFrame:
    """Rename some columns of a table."""
    require_columns(df, list(names), "names")
    renamed = df.rename(columns=names)
    twice = renamed.columns[renamed.columns.duplicated()]
    if len(twice):
        raise TaskError(f"two columns would be named `{twice[0]}`", parameter="names")
    return renamed


@task
def sort_rows(
    df: Annotated[DataFrame, Field(title="Table", description="The table to sort.")],
    by: Annotated[
        list[str],
        Field(title="Columns", description="Sort by the first column, then by the next.", min_length=1),
    ],
    *,
    descending: Annotated[bool, Field(title="Descending", description="Sort in descending order.")] = False,
) -> DataFrame:
    """Sort the rows of a table; rows without a value come last, equal rows keep their order."""
    require_columns(df, by, "by")
    try:
        return df.sort_values(by, ascending=not descending, kind="stable", ignore_index=True)
    except TypeError as error:
        raise TaskError(
            "the columns to sort by mix values that cannot be ordered together, such as numbers and strings",
            parameter="by",
            hint="convert them all to strings, or all to numbers",
        ) from error
