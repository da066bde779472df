"""Tasks that remove columns and make values coarser, with nothing required of the result."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import DataFrame
from flowlock_ext_privacy.hierarchies import Hierarchy
from flowlock_ext_privacy.parameters import Columns, Table

if TYPE_CHECKING:
    import pandas as pd


@task
def suppress_columns(
    df: Table,
    columns: Annotated[list[str], Field(title="Columns", description="The columns to remove.", min_length=1)],
) -> DataFrame:
    """Remove columns, such as direct identifiers."""
    require_columns(df, columns, "columns")
    return df.drop(columns=columns)


@task
def generalize(
    df: Table,
    column: Annotated[str, Field(title="Column", description="The column to make coarser.")],
    hierarchy: Annotated[Hierarchy, Field(title="Hierarchy", description="The levels of the column.")],
    *,
    level: Annotated[
        int, Field(title="Level", description="Which of the levels to use, counted from 1.", ge=1)
    ] = 1,
) -> DataFrame:
    """Replace each value of a column by that of a level of its hierarchy; missing values stay missing."""
    import numpy as np

    from flowlock_ext_privacy.classes.columns import coded_column

    require_columns(df, [column], "column")
    coded = coded_column(df, column)
    levels = list(hierarchy.levels(coded, "hierarchy"))
    if level > len(levels):
        raise TaskError(
            f"the hierarchy has {len(levels)} levels, so there is no level {level}", parameter="level"
        )
    labels = np.asarray(levels[level - 1].labels, dtype=object)
    return df.assign(**{column: labels[coded.codes].tolist()})


@task
def top_bottom_code(
    df: Table,
    columns: Columns,
    *,
    bottom: Annotated[
        float | None,
        Field(title="Bottom", description="Smaller values become this one.", allow_inf_nan=False),
    ] = None,
    top: Annotated[
        float | None,
        Field(title="Top", description="Larger values become this one.", allow_inf_nan=False),
    ] = None,
) -> DataFrame:
    """Cap numbers, so that extreme values no longer stand out; missing values stay missing."""
    require_columns(df, columns, "columns")
    if bottom is None and top is None:
        raise TaskError("neither `bottom` nor `top` is set", parameter="top", hint="set one of them, or both")
    if bottom is not None and top is not None and bottom > top:
        raise TaskError(f"bottom = {bottom:g} is larger than top = {top:g}", parameter="bottom")
    return df.assign(**{column: _capped(df[column], bottom, top) for column in columns})


def _capped(column: "pd.Series[Any]", bottom: float | None, top: float | None) -> "pd.Series[Any]":
    from pandas.api.types import is_bool_dtype, is_integer_dtype, is_numeric_dtype

    if not is_numeric_dtype(column.dtype) or is_bool_dtype(column.dtype):
        raise TaskError(f"the column `{column.name}` contains no numbers", parameter="columns")
    if is_integer_dtype(column.dtype):
        bottom, top = _integer(column, bottom, "bottom"), _integer(column, top, "top")
    return column.clip(lower=bottom, upper=top)


def _integer(column: "pd.Series[Any]", bound: float | None, parameter: str) -> int | None:
    if bound is None:
        return None
    if not float(bound).is_integer():
        message = f"the column `{column.name}` contains integers, but {parameter} = {bound:g} has a fraction"
        raise TaskError(message, parameter=parameter)
    return int(bound)
