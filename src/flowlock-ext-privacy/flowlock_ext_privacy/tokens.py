"""Tasks that replace values by random tokens, which only a vault leads back to values."""

from typing import TYPE_CHECKING, Any

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import DataFrame
from flowlock_ext_privacy.keys import Key
from flowlock_ext_privacy.parameters import Columns, Table
from flowlock_ext_privacy.pseudonyms import Context
from flowlock_ext_privacy.vault import TokenBook, VaultName

if TYPE_CHECKING:
    import pandas as pd


@task(tags=("random",))
def tokenize(
    df: Table, columns: Columns, vault: VaultName, key: Key, *, context: Context = None
) -> DataFrame:
    """Replace each value by a random token; a value that the vault has seen gets the same one again.

    A token does not depend on its value: to find that, both the vault and the key are needed. Which rows have
    equal values, how often, and which have none is shown.
    """
    from flowlock_ext_privacy.fields.plaintext import replaced

    require_columns(df, columns, "columns")
    tokens = {}
    with vault.opened() as database:
        for name in columns:
            book = TokenBook(database, key, context or name)
            tokens[name] = replaced(df, name, book.token_of)
    return df.assign(**tokens)


@task(tags=("random",))
def detokenize(
    df: Table, columns: Columns, vault: VaultName, key: Key, *, context: Context = None
) -> DataFrame:
    """Replace tokens by the values that the vault has for them; the result is never cached."""
    require_columns(df, columns, "columns")
    with vault.opened() as database:
        values = {name: _detokenized(df, name, TokenBook(database, key, context or name)) for name in columns}
    return df.assign(**values)


def _detokenized(df: DataFrame, name: str, book: TokenBook) -> "pd.Series[Any]":
    import numpy as np
    import pandas as pd

    from flowlock_ext_privacy.fields.ciphers import DecryptionError
    from flowlock_ext_privacy.fields.plaintext import column_of, value_of

    codes, distinct = pd.factorize(df[name].astype(object))
    try:
        found = book.values_of(list(map(str, distinct)))
    except DecryptionError as error:
        message = f"the vault has tokens of the column `{name}` that this key cannot read: {error}"
        raise TaskError(message, parameter="key") from error
    unknown = sum(data is None for data in found)
    if unknown:
        raise TaskError(
            f"{unknown} tokens of the column `{name}` are not in the vault",
            parameter="vault",
            hint="check the connection: another vault has other tokens",
        )
    values = np.array([*(value_of(data) for data in found if data is not None), None], dtype=object)
    return column_of(values[codes].tolist(), df[name])
