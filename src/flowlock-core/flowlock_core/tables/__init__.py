"""Columns that must be there, and cells to show: what tasks about tables share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from flowlock_core.errors import TaskError, nearest

if TYPE_CHECKING:
    import pandas as pd

COLUMNS_SHOWN = 30
Cell: TypeAlias = str | int | float | bool | None


def require_columns(df: "pd.DataFrame", columns: Sequence[str], parameter: str) -> None:
    """Raise a TaskError that names the first absent column, those there are, and the nearest.

    A name that several columns have is refused too: tasks of other packages may return a table with those.
    """
    names = [str(name) for name in df.columns]
    require_names_among(names, columns, parameter)
    for column in columns:
        if names.count(column) > 1:
            raise TaskError(
                f"the table has {names.count(column)} columns named `{column}`",
                parameter=parameter,
                hint="rename or remove all but one of them in the step that makes the table",
            )


def require_names_among(names: Sequence[str], wanted: Sequence[str], parameter: str) -> None:
    """Raise a TaskError that names the first column that is not among the names of a table's columns."""
    for column in wanted:
        if column not in names:
            raise TaskError(
                f"column `{column}` does not exist; the columns are {columns_shown(names)}",
                code="FL731",
                parameter=parameter,
                hint=nearest(column, names),
            )


def columns_shown(columns: Sequence[str]) -> str:
    """Return the names of a table's columns for a message, the first of them if there are many."""
    more = ", …" if len(columns) > COLUMNS_SHOWN else ""
    return ", ".join(columns[:COLUMNS_SHOWN]) + more or "none"


def cells_of(df: "pd.DataFrame") -> tuple[tuple[Cell, ...], ...]:
    """Return a table's rows as plain Python values; what is missing is None, dates are ISO 8601 text."""
    import pandas as pd

    def cell(value: Any) -> Cell:
        if pd.api.types.is_scalar(value) and pd.isna(value):
            return None
        if isinstance(value, pd.Timestamp):
            return value.isoformat() if value != value.normalize() else value.date().isoformat()
        plain = value.item() if hasattr(value, "item") else value
        return plain if isinstance(plain, str | int | float | bool) else str(plain)

    return tuple(tuple(map(cell, row)) for row in df.itertuples(index=False, name=None))


def require_times(df: "pd.DataFrame", column: str, parameter: str) -> None:
    """Raise a TaskError unless the column is there and holds dates or times."""
    from pandas.api.types import is_datetime64_any_dtype

    require_columns(df, [column], parameter)
    if not is_datetime64_any_dtype(df[column].dtype):
        raise TaskError(
            f"the column `{column}` contains no dates or times",
            parameter=parameter,
            hint=f"list it under `time_columns` of the step that loads the table: [{column}]",
        )
