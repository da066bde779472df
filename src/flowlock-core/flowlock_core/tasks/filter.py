"""Tasks that filter the rows of a table."""

from datetime import time, timedelta
from typing import Annotated

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns, require_times
from flowlock_core.tables.matching import matching
from flowlock_core.task import task
from flowlock_core.types import DataFrame, TimeRange


@task
def define_time_range(
    time_range: Annotated[
        TimeRange,
        Field(
            title="Time range",
            description="From `since` to `until`, both included; a day without a time is the whole day.",
        ),
    ],
) -> TimeRange:
    """Choose a time range once, for all steps that use it."""
    return time_range


@task
def filter_by_time_range(
    df: Annotated[DataFrame, Field(title="Table", description="The table to filter.")],
    time_column: Annotated[str, Field(title="Time column", description="The column of dates or times.")],
    time_range: Annotated[
        TimeRange,
        Field(
            title="Time range",
            description="From `since` to `until`, both included; a day without a time is the whole day.",
        ),
    ],
) -> DataFrame:
    """Keep the rows whose time is in a range.

    Rows without a time are left out. A range without a time zone is taken in the column's.
    """
    require_times(df, time_column, "time_column")
    times, since, until = df[time_column], time_range.since, time_range.until
    zone = times.dt.tz
    if zone is None and since.tzinfo is not None:
        raise TaskError(
            f"the time range has a time zone, but the column `{time_column}` has none",
            parameter="time_range",
            hint="write the range without a time zone",
        )
    if zone is not None and since.tzinfo is None:
        since, until = since.replace(tzinfo=zone), until.replace(tzinfo=zone)
    # The last microsecond of a day stands for all of its nanoseconds.
    last_of_day = until.time() == time.max
    end = until + timedelta(microseconds=1) if last_of_day else until
    chosen = (times >= since) & ((times < end) if last_of_day else (times <= end))
    return df[chosen].reset_index(drop=True)


@task
def filter_by_values(
    df: Annotated[DataFrame, Field(title="Table", description="The table to filter.")],
    column: Annotated[str, Field(title="Column", description="The column to check.")],
    values: Annotated[
        list[str | int | float | bool],
        Field(title="Values", description="Rows with one of these values are selected.", min_length=1),
    ],
    *,
    exclude: Annotated[
        bool, Field(title="Exclude", description="Remove the selected rows instead of keeping them.")
    ] = False,
) -> DataFrame:
    """Keep or remove the rows with one of some values in a column.

    Values are compared as what the column holds: texts with texts, numbers with numbers, times with times in
    ISO 8601, of which a day is all of the day. A value of another kind is refused.
    """
    require_columns(df, [column], "column")
    chosen = matching(df[column], column, values)
    return df[~chosen if exclude else chosen].reset_index(drop=True)
