"""Tasks that split a table into groups, and aggregate rows."""

from enum import Enum
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import DataFrame, GroupKey

By: TypeAlias = Annotated[
    list[str],
    Field(title="Group by", description="The columns whose combined values identify a group.", min_length=1),
]


class Function(Enum):
    """A way to make one value of many; missing values are left out of all of them."""

    COUNT = "count"
    DISTINCT = "distinct"
    SUM = "sum"
    MEAN = "mean"
    MEDIAN = "median"
    MIN = "min"
    MAX = "max"
    STD = "std"
    FIRST = "first"
    LAST = "last"


NUMERIC = {Function.SUM, Function.MEAN, Function.MEDIAN, Function.STD}
PANDAS_NAMES = {Function.DISTINCT: "nunique"}


class Aggregation(BaseModel):
    """One column of an aggregated table: which column, made one value how, and its new name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: Annotated[str, Field(title="Column", description="The column to aggregate.")]
    function: Annotated[
        Function, Field(title="Function", description="The function that combines the values.")
    ]
    name: Annotated[
        str | None,
        Field(title="Name", description="The name of the new column; the original name if left empty."),
    ] = None

    @property
    def output(self) -> str:
        """The new column's name."""
        return self.name or self.column


@task
def split_groups(
    df: Annotated[DataFrame, Field(title="Table", description="The table to split.")],
    by: By,
) -> list[tuple[GroupKey, DataFrame]]:
    """Split a table into groups, one for each combination of values.

    The groups come sorted, each under its key: (column, "=", value) for each column, sorted by column.
    Rows where a column is empty make a separate group, the last one.
    """
    require_columns(df, by, "by")
    columns = sorted(set(by))
    groups = []
    for values, rows in df.groupby(columns, sort=True, dropna=False, observed=True):
        key = tuple((column, "=", _plain(value)) for column, value in zip(columns, values, strict=True))
        groups.append((key, rows.reset_index(drop=True)))
    return groups


def _plain(value: Any) -> Any:
    import pandas as pd

    if pd.isna(value):
        return None
    plain = value.item() if hasattr(value, "item") else value
    return plain if isinstance(plain, str | int | float | bool) else str(plain)


@task
def concat_groups(
    groups: Annotated[
        list[tuple[GroupKey, DataFrame]],
        Field(title="Groups", description="Tables by group, as a mapvalues step returns them."),
    ],
) -> DataFrame:
    """Combine the tables of groups into one table, and add missing group columns."""
    import pandas as pd

    if not groups:
        raise TaskError(
            "there are no groups, because the table that was split is empty",
            parameter="groups",
            hint="check the data and the filters before this step",
        )

    def labelled(key: GroupKey, df: DataFrame) -> DataFrame:
        absent = {column: value for column, _, value in key if column not in df.columns}
        return df.assign(**absent)[[*absent, *df.columns]] if absent else df

    return pd.concat([labelled(key, df) for key, df in groups], ignore_index=True)


@task
def aggregate(
    df: Annotated[DataFrame, Field(title="Table", description="The table to aggregate.")],
    by: By,
    aggregations: Annotated[
        list[Aggregation],
        Field(title="Aggregations", description="The columns of the new table.", min_length=1),
    ],
) -> DataFrame:
    """Make one row of each group: its columns, and aggregates of other columns. The groups are sorted."""
    require_columns(df, by, "by")
    _require_distinct(by, aggregations)
    groups = df.groupby(by, sort=True, dropna=False, observed=True)
    columns: dict[str, Any] = {}
    for number, item in enumerate(aggregations):
        here = f"aggregations[{number}]"
        _require_aggregable(df, item.column, item.function, f"{here}.column", f"{here}.function")
        columns[item.output] = _aggregated(df, groups[item.column], item, here)
    import pandas as pd

    return pd.DataFrame(columns).reset_index()


def _aggregated(df: DataFrame, group: Any, item: Aggregation, parameter: str) -> Any:
    """Return the aggregate of each group; the sum of nothing is nothing."""
    try:
        if item.function is not Function.SUM:
            return group.agg(_pandas_name(item.function))
        if may_overflow(df[item.column]):
            return _exact_sums(group, item.column, parameter)
        return group.sum(min_count=1)
    except TypeError as error:
        raise _without_order(item.column, f"{parameter}.column") from error


def _exact_sums(group: Any, column: str, parameter: str) -> Any:
    """Return sums of integers that numpy might not hold; a TaskError if one is beyond 64 bits."""
    sums = group.agg(lambda part: _sum(part.dropna())).astype("object")
    for total in sums.dropna():
        if not -(2**63) <= total < 2**63:
            raise TaskError(
                f"a sum of the column `{column}` is {total}, which exceeds 64 bits",
                parameter=f"{parameter}.column",
                hint="use mean, or sum fewer rows",
            )
    return sums.astype("Int64" if sums.isna().any() else "int64")


def may_overflow(column: Any) -> bool:
    """Return whether sums of integers can leave the range of their type."""
    if column.dtype.kind not in "iu" or not column.notna().any():
        return False
    largest = max(abs(int(column.min())), abs(int(column.max())))
    return largest * len(column) >= 2**63


def _without_order(column: str, parameter: str) -> TaskError:
    return TaskError(
        f"the column `{column}` mixes values that cannot be ordered together, such as numbers and strings",
        parameter=parameter,
        hint="convert them all to strings, or all to numbers",
    )


def _require_distinct(by: list[str], aggregations: list[Aggregation]) -> None:
    names = [*by, *(item.output for item in aggregations)]
    twice = [name for position, name in enumerate(names) if name in names[:position]]
    if twice:
        raise TaskError(
            f"two columns of the result would be named `{twice[0]}`",
            parameter="aggregations",
            hint="give each aggregation a unique `name`",
        )


def _require_aggregable(
    df: DataFrame, column: str, function: Function, column_parameter: str, function_parameter: str
) -> None:
    from pandas.api.types import is_numeric_dtype

    require_columns(df, [column], column_parameter)
    if function in NUMERIC and not is_numeric_dtype(df[column].dtype):
        raise TaskError(
            f"cannot compute the {function.value} of the column `{column}`, which does not contain numbers",
            parameter=function_parameter,
            hint="use count, distinct, min, max, first or last",
        )


def _pandas_name(function: Function) -> str:
    return PANDAS_NAMES.get(function, function.value)


@task
def aggregate_value(
    df: Annotated[DataFrame, Field(title="Table", description="The table to read.")],
    column: Annotated[str, Field(title="Column", description="The column to aggregate.")],
    function: Annotated[
        Function, Field(title="Function", description="The function that combines the values.")
    ],
) -> int | float | str | None:
    """Aggregate a column to one value; an empty value if there are no values."""
    _require_aggregable(df, column, function, "column", "function")
    present: Any = df[column].dropna()
    if function in (Function.FIRST, Function.LAST):
        position = 0 if function is Function.FIRST else -1
        return None if present.empty else _value(present.iloc[position])
    if function is Function.SUM:
        return _sum(present)
    try:
        return _value(getattr(present, _pandas_name(function))())
    except TypeError as error:
        raise _without_order(column, "column") from error


def _sum(present: Any) -> int | float | str | None:
    """Return the sum of values, exactly if they are integers; the sum of nothing is nothing."""
    if present.empty:
        return None
    if may_overflow(present):
        return sum(int(value) for value in present.tolist())
    return _value(present.sum())


def _value(value: Any) -> int | float | str | None:
    plain: int | float | str | None = _plain(value)
    return plain


@task
def count_rows(
    df: Annotated[DataFrame, Field(title="Table", description="The table whose rows are counted.")],
) -> int:
    """Count a table's rows."""
    return len(df)
