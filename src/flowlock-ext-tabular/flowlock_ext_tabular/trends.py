"""A task that estimates the trend of a time series, with a confidence interval."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import DataFrame

if TYPE_CHECKING:
    import numpy as np

MONTHS = 12
YEARS_AT_LEAST = 3
Resamples: TypeAlias = Annotated[
    int,
    Field(
        title="Resamples",
        description="How often the years are drawn again for the confidence interval.",
        ge=10,
        le=1_000_000,
    ),
]
Confidence: TypeAlias = Annotated[
    float, Field(title="Confidence", description="The confidence level of the interval.", gt=0, lt=1)
]
Seed: TypeAlias = Annotated[
    int, Field(title="Seed", description="Another seed draws other years.", ge=0, lt=2**32)
]


@task
def estimate_trend(
    df: Annotated[DataFrame, Field(title="Table", description="A time series, in any order.")],
    time_column: Annotated[str, Field(title="Time column", description="The column of times.")],
    column: Annotated[str, Field(title="Column", description="The column of numbers.")],
    *,
    resamples: Resamples = 2000,
    confidence: Confidence = 0.95,
    seed: Seed = 0,
) -> DataFrame:
    """Estimate the change of a column in a year, robustly, with a bootstrap confidence interval.

    The estimate is the seasonal Sen slope (R. M. Hirsch, J. R. Slack and R. A. Smith, 1982, Water Resources
    Research 18(1), 107-121): the median of the slopes between the means of the same month in each two years.
    The interval is a percentile interval from years drawn with replacement; whole years are drawn because
    values within a year are correlated. Missing and infinite values are left out.

    The table has one row with the columns `trend`, `low`, `high`, `years` and `values`.
    """
    import numpy as np
    import pandas as pd

    years, means, values = _monthly_means(df, time_column, column)
    slopes, earlier, later = _slopes(years, means)
    if len(years) < YEARS_AT_LEAST or not len(slopes):
        raise TaskError(
            f"the column `{column}` has values from {len(years)} years, which is too few for a trend",
            parameter="column",
            hint=f"a trend needs values of the same months from at least {YEARS_AT_LEAST} years",
        )
    generator = np.random.default_rng(seed)
    drawn = (generator.integers(len(years), size=len(years)) for _ in range(resamples))
    medians = np.array([_median_of_resample(slopes, earlier, later, sample) for sample in drawn])
    with_slopes = medians[np.isfinite(medians)]
    if not len(with_slopes):
        raise TaskError(
            "none of the resamples has two years with values of the same month",
            parameter="resamples",
            hint="draw more resamples",
        )
    tail = (1 - confidence) / 2
    low, high = np.quantile(with_slopes, [tail, 1 - tail])
    trend = float(np.median(slopes))
    row = {"trend": trend, "low": float(low), "high": float(high), "years": len(years), "values": values}
    return pd.DataFrame([row])


def _monthly_means(
    df: DataFrame, time_column: str, column: str
) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], int]":
    """Return the years that have values, the mean of each of their months, and the number of values."""
    import numpy as np
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

    require_columns(df, [time_column], "time_column")
    require_columns(df, [column], "column")
    if not is_datetime64_any_dtype(df[time_column].dtype):
        raise TaskError(
            f"the column `{time_column}` does not contain times",
            parameter="time_column",
            hint="name it under `time_columns` when the table is loaded",
        )
    if not is_numeric_dtype(df[column].dtype) or is_bool_dtype(df[column].dtype):
        raise TaskError(f"the column `{column}` contains no numbers", parameter="column")
    present = df[[time_column, column]].dropna()
    present = present[np.isfinite(present[column].to_numpy(dtype="float64"))]
    times = present[time_column].dt
    years = np.unique(times.year.to_numpy(dtype="int64"))
    position = np.searchsorted(years, times.year.to_numpy(dtype="int64")) * MONTHS
    position += times.month.to_numpy(dtype="int64") - 1
    size = len(years) * MONTHS
    numbers = present[column].to_numpy(dtype="float64")
    sums = np.bincount(position, weights=numbers, minlength=size)
    counts = np.bincount(position, minlength=size)
    means = np.full(size, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return years, means.reshape(len(years), MONTHS), len(numbers)


def _slopes(
    years: "np.ndarray[Any, Any]", means: "np.ndarray[Any, Any]"
) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Return the sorted slopes between the same months of each two years, and the positions of the years."""
    import numpy as np

    earlier, later = np.triu_indices(len(years), k=1)
    slopes = (means[later] - means[earlier]) / (years[later] - years[earlier])[:, None]
    measured = np.isfinite(slopes)
    earlier = np.broadcast_to(earlier[:, None], slopes.shape)[measured]
    later = np.broadcast_to(later[:, None], slopes.shape)[measured]
    order = np.argsort(slopes[measured], kind="stable")
    return slopes[measured][order], earlier[order], later[order]


def _median_of_resample(
    slopes: "np.ndarray[Any, Any]",
    earlier: "np.ndarray[Any, Any]",
    later: "np.ndarray[Any, Any]",
    drawn: "np.ndarray[Any, Any]",
) -> float:
    """Return the median slope between drawn years; NaN if there is none, as if all draws are one year.

    A slope counts as often as its two years were drawn together. The slopes are sorted, so the weighted
    median is found without sorting them again.
    """
    import numpy as np

    times_drawn = np.bincount(drawn, minlength=int(later.max()) + 1)
    weights = np.cumsum(times_drawn[earlier] * times_drawn[later])
    if weights[-1] == 0:
        return np.nan
    # The first slope at which half of the weight is reached.
    return float(slopes[np.searchsorted(weights, weights[-1] / 2)])
