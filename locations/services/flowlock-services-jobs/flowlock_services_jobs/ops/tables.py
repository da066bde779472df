"""Ops that read and write tables in the bucket."""

import dagster as dg
import pandas as pd
from pydantic import Field

from flowlock_core.tasks.io import load_table, save_table
from flowlock_dagster.object_store import ObjectStore


class Source(dg.Config):
    """The table that a job reads."""

    key: str = Field(description="The key of the object, such as `raw/visits.csv`.")
    text_columns: list[str] = Field(default=[], description="Columns to read as text, such as 007.")
    time_columns: list[str] = Field(default=[], description="Columns to read as dates or times.")


class Target(dg.Config):
    """The table that a job writes."""

    key: str = Field(description="The key of the object; its suffix selects the format.")
    mode: str = Field(default="create", description="create: it must not exist; replace: replace it.")


@dg.op
def read_table(context: dg.OpExecutionContext, config: Source, lake: ObjectStore) -> pd.DataFrame:
    """Read a table; what can be read in two ways is refused."""
    table: pd.DataFrame = load_table.validate().call(
        path=lake.url(config.key),
        connection=lake.connection,
        text_columns=config.text_columns,
        time_columns=config.time_columns,
    )
    context.add_output_metadata({"rows": len(table), "columns": len(table.columns)})
    return table


@dg.op
def write_table(
    context: dg.OpExecutionContext, config: Target, table: pd.DataFrame, lake: ObjectStore
) -> str:
    """Write a table, wholly or not at all; return its URL."""
    url: str = save_table.validate().call(
        df=table, filename=lake.url(config.key), connection=lake.connection, mode=config.mode
    )
    context.add_output_metadata({"rows": len(table), "object": dg.MetadataValue.url(url)})
    return url
