"""Tasks that replace values by pseudonyms, encrypt them, and decrypt them again."""

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, assert_never

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import DataFrame
from flowlock_ext_privacy.keys import Key, SecretKey
from flowlock_ext_privacy.parameters import Columns, Table

if TYPE_CHECKING:
    import pandas as pd

Context: TypeAlias = Annotated[
    str | None,
    Field(
        title="Context",
        description="What the values are, such as person; the name of the column if left empty. Equal values "
        "have equal pseudonyms in one context only.",
        min_length=1,
    ),
]


class PseudonymMethod(Enum):
    """How a value becomes a pseudonym; equal values of one context become equal ones with all of these."""

    AES_SIV = "aes-siv"
    HMAC = "hmac"
    BLAKE2 = "blake2"


@task
def pseudonymize(
    df: Table,
    columns: Columns,
    key: Key,
    *,
    method: Annotated[
        PseudonymMethod,
        Field(
            title="Method",
            description="aes-siv can be decrypted with the key; hmac and blake2 are keyed hashes, which "
            "cannot.",
        ),
    ] = PseudonymMethod.AES_SIV,
    context: Context = None,
) -> DataFrame:
    """Replace each value by a pseudonym that is the same wherever the value, the key and the context are.

    Pseudonyms join tables, and show which rows have equal values, how often, and which have none. Those of
    aes-siv show how long the values are.
    """
    require_columns(df, columns, "columns")
    replaced = {name: _replaced(df, name, _pseudonyms(key, method, context or name)) for name in columns}
    return df.assign(**replaced)


def _pseudonyms(key: SecretKey, method: PseudonymMethod, context: str) -> Callable[[bytes], str]:
    from flowlock_ext_privacy.fields.ciphers import Cipher, blake2_pseudonyms, hmac_pseudonyms

    key_id, secret = key.current
    match method:
        case PseudonymMethod.AES_SIV:
            return Cipher(key_id, secret, context).deterministic
        case PseudonymMethod.HMAC:
            return hmac_pseudonyms(key_id, secret, context)
        case PseudonymMethod.BLAKE2:
            return blake2_pseudonyms(key_id, secret, context)
        case _:
            assert_never(method)


def _replaced(df: DataFrame, name: str, replace: Callable[[bytes], str]) -> "pd.Series[Any]":
    from flowlock_ext_privacy.fields.plaintext import replaced

    return replaced(df, name, replace)


@task(tags=("random",))
def encrypt_columns(df: Table, columns: Columns, key: Key, *, context: Context = None) -> DataFrame:
    """Encrypt each value on its own, so that equal values have different ciphertexts.

    What is shown is how long a value is, and whether it is missing.
    """
    import numpy as np

    from flowlock_ext_privacy.fields.ciphers import Cipher
    from flowlock_ext_privacy.fields.plaintext import coded_plaintexts, column_of

    require_columns(df, columns, "columns")
    encrypted = {}
    for name in columns:
        codes, distinct = coded_plaintexts(df, name)
        cipher = Cipher(*key.current, context or name)
        rows = np.array([*distinct, None], dtype=object)[codes]
        texts = [None if data is None else cipher.randomised(data) for data in rows]
        encrypted[name] = column_of(texts, df[name])
    return df.assign(**encrypted)


@task
def decrypt_columns(df: Table, columns: Columns, key: Key, *, context: Context = None) -> DataFrame:
    """Decrypt what `encrypt_columns` has made, and `pseudonymize` with aes-siv; the key is found by its id.

    Integers come back as integers, also where missing values had made fractions of them.
    """
    require_columns(df, columns, "columns")
    return df.assign(**{name: _decrypted(df, name, key, context or name) for name in columns})


def _decrypted(df: DataFrame, name: str, key: SecretKey, context: str) -> "pd.Series[Any]":
    import numpy as np
    import pandas as pd

    from flowlock_ext_privacy.fields.ciphers import Decrypter, DecryptionError
    from flowlock_ext_privacy.fields.plaintext import column_of, value_of

    decrypter = Decrypter(key.keys, context)
    codes, distinct = pd.factorize(df[name].astype(object))
    values = np.empty(len(distinct) + 1, dtype=object)
    for position, text in enumerate(distinct):
        try:
            values[position] = value_of(decrypter.decrypted(str(text)))
        except DecryptionError as error:
            row = int(np.flatnonzero(codes == position)[0]) + 1
            raise TaskError(
                f"row {row} of the column `{name}` cannot be decrypted with the key `{key.name}` in the "
                f"context `{context}`: {error}",
                parameter="columns",
                hint="check the connection, its earlier keys, and the context: the column's name by default",
            ) from error
    values[-1] = None
    return column_of(values[codes].tolist(), df[name])
