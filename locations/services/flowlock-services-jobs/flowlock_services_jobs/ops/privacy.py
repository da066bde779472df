"""Ops that protect persons: the tasks of flowlock-ext-privacy with the config of an op.

Their metadata are counts only: what Dagster shows must not say anything about a person.
"""

import dagster as dg
import pandas as pd
from pydantic import Field

from flowlock_ext_privacy.anonymization import k_anonymize
from flowlock_ext_privacy.pseudonyms import pseudonymize


class Alike(dg.Config):
    """How many rows must look alike, and in which columns."""

    quasi_identifiers: list[str] = Field(description="The columns that together may identify a person.")
    k: int = Field(description="Each row looks like at least k - 1 others in these columns.")
    identifiers: list[str] = Field(default=[], description="The columns to remove, such as a name.")


class Diverse(Alike):
    """How many values of a sensitive column rows that look alike must have, too."""

    sensitive: list[str] = Field(description="The columns whose values nobody may learn about a person.")
    values: int = Field(description="The number l: rows that look alike have as many sensitive values.")


class Pseudonyms(dg.Config):
    """Which columns get pseudonyms, and with which key."""

    columns: list[str] = Field(description="The columns whose values are replaced.")
    key: str = Field(description="The name of a connection of the kind key.")
    method: str = Field(default="aes-siv", description="aes-siv, which can be decrypted; hmac or blake2.")


@dg.op
def make_rows_alike(context: dg.OpExecutionContext, config: Alike, table: pd.DataFrame) -> pd.DataFrame:
    """Make each row look like k - 1 others."""
    return _published(context, k_anonymize.validate().call(df=table, **config.model_dump()))


@dg.op
def make_rows_diverse(context: dg.OpExecutionContext, config: Diverse, table: pd.DataFrame) -> pd.DataFrame:
    """Make each row look like k - 1 others, which have several values in each sensitive column."""
    options = config.model_dump()
    return _published(context, k_anonymize.validate().call(df=table, l=options.pop("values"), **options))


@dg.op
def replace_identities(
    context: dg.OpExecutionContext, config: Pseudonyms, table: pd.DataFrame
) -> pd.DataFrame:
    """Replace values by pseudonyms, which are the same wherever the value, the key and the column are."""
    return _published(context, pseudonymize.validate().call(df=table, **config.model_dump()))


def _published(context: dg.OpExecutionContext, table: pd.DataFrame) -> pd.DataFrame:
    context.add_output_metadata({"rows": len(table), "columns": len(table.columns)})
    return table
