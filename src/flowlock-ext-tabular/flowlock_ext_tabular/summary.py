"""A task that describes a table, column by column."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import DataFrame

if TYPE_CHECKING:
    import pandas as pd

NO_COLUMNS: list[str] = []


@task
def summarize_table(
    df: Annotated[DataFrame, Field(title="Table", description="The table to describe.")],
    *,
    columns: Annotated[
        list[str], Field(title="Columns", description="The columns to describe; empty for all.")
    ] = NO_COLUMNS,
) -> DataFrame:
    """Describe each column in one row: values, missing and distinct values, and statistics of numbers."""
    import pandas as pd

    require_columns(df, columns, "columns")
    return pd.DataFrame([_summary(df[column]) for column in columns or df.columns])


def _summary(column: "pd.Series[Any]") -> dict[str, Any]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    row = {
        "column": str(column.name),
        "values": int(column.notna().sum()),
        "missing": int(column.isna().sum()),
        "distinct": int(column.nunique()),
    }
    number = is_numeric_dtype(column.dtype) and not is_bool_dtype(column.dtype)
    statistics = ("mean", "std", "min", "median", "max")
    return row | {name: _statistic(getattr(column, name)()) if number else None for name in statistics}


def _statistic(value: Any) -> float | int | None:
    """Return a statistic as a fraction, or as the integer that no fraction is; None if there is none."""
    import pandas as pd

    if pd.isna(value):
        return None
    return float(value) if float(value) == value else int(value)
