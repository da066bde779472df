"""Tasks that clean tables: duplicates and missing values."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, assert_never

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import DataFrame

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

Table: TypeAlias = Annotated[DataFrame, Field(title="Table", description="The table to clean.")]
Columns: TypeAlias = Annotated[
    list[str], Field(title="Columns", description="The columns to check; empty for all.")
]
NO_COLUMNS: list[str] = []


@task
def remove_duplicates(
    df: Table,
    *,
    columns: Columns = NO_COLUMNS,
    keep: Annotated[
        Literal["first", "last", "none"],
        Field(title="Keep", description="Which of several equal rows to keep; none: remove all of them."),
    ] = "first",
) -> DataFrame:
    """Keep one of several rows that are equal in some or all columns, or none of them.

    Two missing values are equal.
    """
    require_columns(df, columns, "columns")
    kept: Literal["first", "last", False] = False if keep == "none" else keep
    return df.drop_duplicates(subset=columns or None, keep=kept, ignore_index=True)


@task
def drop_missing(
    df: Table,
    *,
    columns: Columns = NO_COLUMNS,
    how: Annotated[
        Literal["any", "all"],
        Field(title="How", description="Drop a row when any of the columns is empty, or only when all are."),
    ] = "any",
) -> DataFrame:
    """Remove rows with missing values."""
    require_columns(df, columns, "columns")
    return df.dropna(subset=columns or None, how=how, ignore_index=True)


class Fill(Enum):
    """What to put where a value is missing."""

    VALUE = "value"
    MEAN = "mean"
    MEDIAN = "median"
    MOST_FREQUENT = "most_frequent"
    PREVIOUS = "previous"
    NEXT = "next"


@task
def fill_missing(
    df: Table,
    method: Annotated[
        Fill,
        Field(
            title="Method",
            description="A fixed value, a statistic of the column, or the value of the previous or next row.",
        ),
    ],
    *,
    columns: Columns = NO_COLUMNS,
    value: Annotated[
        str | int | float | bool | None,
        Field(title="Value", description="The fixed value; only for the method `value`."),
    ] = None,
    by: Annotated[
        list[str],
        Field(
            title="By",
            description="Fill each group of rows separately: the columns whose values make a group.",
        ),
    ] = NO_COLUMNS,
) -> DataFrame:
    """Fill missing values.

    With `mean` and `median`, columns that hold no numbers are left as they are unless they are named. A group
    without any value stays unchanged.
    """
    require_columns(df, columns, "columns")
    require_columns(df, by, "by")
    _require_fitting(method, value, by)
    chosen = _chosen(df, columns, method, by)
    if not by:
        return df.assign(**{column: _filled(df[column], method, value) for column in chosen})
    groups = df.groupby(by, sort=False, dropna=False, observed=True)
    return df.assign(**{column: _filled_by_group(df[column], groups[column], method) for column in chosen})


def _require_fitting(method: Fill, value: Any, by: "Sequence[str]") -> None:
    if by and method is Fill.VALUE:
        raise TaskError("the method `value` fills all groups alike", parameter="by", hint="leave `by` empty")
    if (method is Fill.VALUE) != (value is not None):
        message = "a value is required" if value is None else "only the method `value` uses a value"
        raise TaskError(message, parameter="value", hint="set both `method: value` and `value`, or neither")


def _chosen(df: DataFrame, columns: "Sequence[str]", method: Fill, by: "Sequence[str]") -> list[str]:
    """Return the columns to fill: those that are named, or all that the method can fill."""
    if columns:
        chosen = list(columns)
    elif method in (Fill.MEAN, Fill.MEDIAN):
        chosen = list(df.select_dtypes("number").columns)
    else:
        chosen = list(df.columns)
    return [column for column in chosen if column not in by]


def _filled(column: "pd.Series[Any]", method: Fill, value: Any) -> "pd.Series[Any]":
    try:
        match method:
            case Fill.VALUE:
                return column.fillna(value)
            case Fill.MEAN:
                return _fractions(column).fillna(column.mean())
            case Fill.MEDIAN:
                return _fractions(column).fillna(column.median())
            case Fill.MOST_FREQUENT:
                modes = column.mode()
                return column.fillna(modes.iloc[0]) if len(modes) else column
            case Fill.PREVIOUS:
                return column.ffill()
            case Fill.NEXT:
                return column.bfill()
            case _:
                assert_never(method)
    except (TypeError, ValueError) as error:
        raise _refusal(column, method, value) from error


def _filled_by_group(column: "pd.Series[Any]", groups: Any, method: Fill) -> "pd.Series[Any]":
    """Fill a column with statistics of, or values from, the group of each row."""
    filled: pd.Series[Any] = column
    if not column.isna().any():
        return filled
    try:
        if method in (Fill.MEAN, Fill.MEDIAN):
            filled = _fractions(column)
            filled = filled.fillna(groups.transform(method.value).astype(filled.dtype))
        elif method is Fill.MOST_FREQUENT:
            filled = column.fillna(groups.transform(_most_frequent))
        else:
            filled = groups.ffill() if method is Fill.PREVIOUS else groups.bfill()
    except (TypeError, ValueError) as error:
        raise _refusal(column, method) from error
    return filled


def _most_frequent(column: "pd.Series[Any]") -> Any:
    modes = column.mode()
    return modes.iloc[0] if len(modes) else None


def _refusal(column: "pd.Series[Any]", method: Fill, value: Any = None) -> TaskError:
    return TaskError(
        f"the column `{column.name}` contains {_held(column)}, and cannot be filled with "
        f"{_filling(method, value)}",
        parameter="value" if method is Fill.VALUE else "method",
        hint="list only columns of one kind under `columns`",
    )


def _fractions(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return a column that can hold a mean: one of integers cannot."""
    return column.astype("float64") if column.dtype.kind in "iu" and column.isna().any() else column


def _filling(method: Fill, value: Any) -> str:
    return repr(value) if method is Fill.VALUE else f"the {method.value}"


def _held(column: "pd.Series[Any]") -> str:
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

    if is_datetime64_any_dtype(column.dtype):
        return "times"
    if is_bool_dtype(column.dtype):
        return "true and false"
    return "numbers" if is_numeric_dtype(column.dtype) else "texts"
