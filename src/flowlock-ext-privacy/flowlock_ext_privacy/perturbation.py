"""Tasks that shift dates and add noise to numbers."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns, require_times
from flowlock_core.task import task
from flowlock_core.types import DataFrame
from flowlock_ext_privacy.keys import Key, SecretKey
from flowlock_ext_privacy.parameters import Columns, Table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@task
def date_shift(
    df: Table,
    columns: Columns,
    person: Annotated[
        str,
        Field(
            title="Person",
            description="The column that tells whose dates they are, before or after it was pseudonymised.",
        ),
    ],
    key: Key,
    *,
    max_days: Annotated[
        int,
        Field(title="Maximum days", description="The largest shift in either direction.", ge=1, le=36_500),
    ] = 183,
) -> DataFrame:
    """Shift all dates of a person by the same number of days, which the key and the person determine.

    Intervals between dates of a person stay as they are, and show as much. No date stays where it was.
    """
    import pandas as pd

    require_columns(df, [person], "person")
    for name in columns:
        require_times(df, name, "columns")
        if (df[name].notna() & df[person].isna()).any():
            raise TaskError(
                f"the column `{name}` has dates in rows without a value in `{person}`",
                parameter="person",
                hint="remove these rows with `drop_missing` first",
            )
    days = pd.to_timedelta(_shifts(df, person, key, max_days), unit="D")
    try:
        shifted = {name: df[name] + days for name in columns}
    except (pd.errors.OutOfBoundsDatetime, OverflowError) as error:
        raise TaskError("a shifted date is beyond what can be represented", parameter="max_days") from error
    return df.assign(**shifted)


def _shifts(df: DataFrame, person: str, key: SecretKey, max_days: int) -> "np.ndarray[Any, Any]":
    """Return the shift of each row in days: never 0, which would show the date."""
    import numpy as np

    from flowlock_ext_privacy.fields.ciphers import keyed_numbers
    from flowlock_ext_privacy.fields.plaintext import coded_plaintexts

    codes, distinct = coded_plaintexts(df, person)
    _, secret = key.current
    number_of = keyed_numbers(secret, "date shift")
    shifts = np.zeros(len(distinct) + 1, dtype=np.int64)
    for position, data in enumerate(distinct):
        number = number_of(data) % (2 * max_days) - max_days
        shifts[position] = number if number < 0 else number + 1
    days: np.ndarray[Any, Any] = shifts[codes]
    return days


class Noise(Enum):
    """The distribution of noise."""

    NORMAL = "normal"
    LAPLACE = "laplace"


@task(tags=("random",))
def add_noise(
    df: Table,
    columns: Columns,
    scale: Annotated[
        float,
        Field(
            title="Scale",
            description="The standard deviation of the noise, in standard deviations of the column.",
            gt=0,
            allow_inf_nan=False,
        ),
    ],
    *,
    distribution: Annotated[
        Noise, Field(title="Distribution", description="normal, or laplace with more small and large values.")
    ] = Noise.NORMAL,
    decimals: Annotated[
        int | None,
        Field(
            title="Decimals",
            description="Round the results to so many decimals; not rounded if left empty.",
            ge=0,
            le=15,
        ),
    ] = None,
) -> DataFrame:
    """Add random noise to numbers, differently in each run; missing values stay missing.

    This blurs values, and gives no guarantee: in particular, it is not differential privacy.
    """
    require_columns(df, columns, "columns")
    return df.assign(**{name: _noisy(df[name], scale, distribution, decimals) for name in columns})


def _noisy(
    column: "pd.Series[Any]", scale: float, distribution: Noise, decimals: int | None
) -> "pd.Series[Any]":
    import numpy as np
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not is_numeric_dtype(column.dtype) or is_bool_dtype(column.dtype):
        raise TaskError(f"the column `{column.name}` contains no numbers", parameter="columns")
    numbers = column.astype("float64")
    spread = float(numbers.std(ddof=0))
    # The seed is the operating system's: noise that can be repeated can be subtracted.
    generator = np.random.default_rng()
    if distribution is Noise.NORMAL:
        noise = generator.normal(0, scale * spread, len(column))
    else:
        noise = generator.laplace(0, scale * spread / np.sqrt(2), len(column))
    noisy = numbers + noise
    return noisy if decimals is None else noisy.round(decimals)
