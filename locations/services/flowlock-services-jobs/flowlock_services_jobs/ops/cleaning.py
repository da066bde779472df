"""Ops that clean tables: the tasks of flowlock-ext-tabular with the config of an op."""

import dagster as dg
import pandas as pd
from pydantic import Field

from flowlock_ext_tabular.cleaning import fill_missing, remove_duplicates


class Duplicates(dg.Config):
    """Which rows are duplicates."""

    columns: list[str] = Field(default=[], description="The columns to compare; empty for all.")
    keep: str = Field(default="first", description="Which equal row to keep: first, last or none.")


class MissingValues(dg.Config):
    """What to put where a value is missing."""

    method: str = Field(description="value, mean, median, most_frequent, previous or next.")
    columns: list[str] = Field(default=[], description="The columns to fill; empty for all that can be.")
    value: str | None = Field(default=None, description="The value; only for the method `value`.")
    by: list[str] = Field(default=[], description="The columns whose values make a group to fill by itself.")


@dg.op
def keep_distinct_rows(
    context: dg.OpExecutionContext, config: Duplicates, table: pd.DataFrame
) -> pd.DataFrame:
    """Keep one of several equal rows, or none of them."""
    kept: pd.DataFrame = remove_duplicates.validate().call(df=table, columns=config.columns, keep=config.keep)
    context.add_output_metadata({"rows": len(kept), "removed": len(table) - len(kept)})
    return kept


@dg.op
def fill_cells(context: dg.OpExecutionContext, config: MissingValues, table: pd.DataFrame) -> pd.DataFrame:
    """Fill missing values."""
    filled: pd.DataFrame = fill_missing.validate().call(
        df=table, method=config.method, columns=config.columns, value=config.value, by=config.by
    )
    missing = int(table.isna().sum().sum())
    left = int(filled.isna().sum().sum())
    context.add_output_metadata({"filled": missing - left, "missing": left})
    return filled
