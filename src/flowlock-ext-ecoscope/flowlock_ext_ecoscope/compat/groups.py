"""Tasks that choose groups and time ranges, by the names of ecoscope-workflows-core."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from flowlock_core.documents.times import to_times
from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import DataFrame, GroupKey, TimeRange

if TYPE_CHECKING:
    import pandas as pd

MONTHS = [
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
# Names do not sort in the order of time by themselves. (strftime would write them in the system's language.)
NAMED = {"%B": MONTHS, "%A": WEEKDAYS}


class TemporalIndex(Enum):
    """A part of a time to group by, as strftime writes it."""

    YEAR = "%Y"
    MONTH = "%B"
    YEAR_AND_MONTH = "%Y-%m"
    DAY_OF_YEAR = "%j"
    DAY_OF_MONTH = "%d"
    DAY_OF_WEEK = "%A"
    HOUR = "%H"
    DATE = "%Y-%m-%d"


COLUMNS = {index: index.name.lower() for index in TemporalIndex}


class Grouper(BaseModel):
    """A column to group by, or a part of a time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    index_name: Annotated[
        str | None, Field(title="Column", description="The column to group by.", min_length=1)
    ] = None
    temporal_index: Annotated[
        TemporalIndex | None,
        Field(title="Part of the time", description="Such as %B for the month's name."),
    ] = None

    @property
    def column(self) -> str | None:
        """The column that the rows are grouped by."""
        return self.index_name if self.temporal_index is None else COLUMNS[self.temporal_index]


Groupers: TypeAlias = Annotated[
    list[str],
    Field(title="Groupers", description="The columns to group by, as set_groupers returns them."),
]
NO_GROUPERS: list[Grouper] = []


@task
def set_groupers(
    groupers: Annotated[
        list[Grouper], Field(title="Groupers", description="What to group by; empty for no groups.")
    ] = NO_GROUPERS,
) -> list[str]:
    """Choose the columns to group by once, for all steps that use them.

    The column of a part of a time is called year, month, year_and_month, day_of_year, day_of_month,
    day_of_week, hour or date; add_temporal_index adds it.
    """
    columns = []
    for number, grouper in enumerate(groupers):
        if grouper.column is None:
            raise TaskError(
                "a grouper needs `index_name` or `temporal_index`", parameter=f"groupers.{number}"
            )
        columns.append(grouper.column)
    return columns


@task
def add_temporal_index(
    df: Annotated[DataFrame, Field(title="Table", description="The table to add columns to.")],
    time_col: Annotated[str, Field(title="Time column", description="The column of times.")],
    groupers: Groupers | None = None,
    index_name: Annotated[
        str | None, Field(title="New column", description="Its name, with `directive`.")
    ] = None,
    directive: Annotated[
        TemporalIndex | None, Field(title="Part of the time", description="Such as %B, with `index_name`.")
    ] = None,
    *,
    cast_to_datetime: Annotated[
        bool, Field(title="Convert", description="Read texts as times, in ISO 8601, in that column, too.")
    ] = True,
    format: Annotated[  # noqa: A002 - the name that specs of ecoscope-workflows give it
        str, Field(title="Format", description="Only ISO 8601 is read; `mixed` means that, too.")
    ] = "mixed",
) -> DataFrame:
    """Add a column with a part of a time for each grouper that is one, or the one column that is named.

    It is a column, not a level of the index.
    """
    del format
    require_columns(df, [time_col], "time_col")
    times = to_times(df[time_col], time_col) if cast_to_datetime else df[time_col]
    parts = {name: part for part, name in COLUMNS.items() if name in (groupers or ())}
    if index_name is not None:
        parts[index_name] = directive or TemporalIndex.YEAR
    return df.assign(**{time_col: times}, **{name: _part(times, part) for name, part in parts.items()})


def _part(times: "pd.Series[Any]", part: TemporalIndex) -> "pd.Series[Any]":
    import pandas as pd

    names = NAMED.get(part.value)
    if names is None:
        texts: pd.Series[Any] = times.dt.strftime(part.value)
        return texts
    # Counted from 0, as the positions of the names.
    numbers = times.dt.month - 1 if part is TemporalIndex.MONTH else times.dt.dayofweek
    named = numbers.map(dict(enumerate(names)))
    in_order: pd.Series[Any] = named.astype(pd.CategoricalDtype(names, ordered=True))
    return in_order


@task
def groupbykey(
    iterables: Annotated[
        list[list[tuple[GroupKey, Any]]],
        Field(title="Groups", description="Results by group of several steps, as mapvalues returns them."),
    ],
) -> list[tuple[GroupKey, list[Any]]]:
    """Gather the results of several steps by their groups: each key with a list of its results."""
    groups: dict[GroupKey, list[Any]] = {}
    for pairs in iterables:
        for key, value in pairs:
            groups.setdefault(key, []).append(value)
    return list(groups.items())


@task
def set_time_range(
    since: Annotated[Any, Field(title="Since", description="The start of the range, which is included.")],
    until: Annotated[
        Any,
        Field(title="Until", description="The end of the range, which is included; a date is the whole day."),
    ],
    time_format: Annotated[
        str | None,
        Field(title="Time format", description="How other pages showed times; this has no effect."),
    ] = None,
) -> TimeRange:
    """Choose a time range once, for all steps that use it."""
    del time_format
    return TimeRange(since=since, until=until)
