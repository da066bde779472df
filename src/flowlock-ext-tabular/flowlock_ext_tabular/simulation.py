"""A task that simulates time series, to try out, test and measure workflows."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.task import task
from flowlock_core.types import DataFrame

if TYPE_CHECKING:
    import numpy as np

DAYS_A_YEAR = 365.2425
LAST_YEAR = 9999
# The defaults resemble daily temperatures of stations in a temperate climate, in degrees Celsius.
START = date(1991, 1, 1)
LEVEL = 10.0
Trend: TypeAlias = Annotated[
    float,
    Field(title="Trend", description="The change of all series in a year.", allow_inf_nan=False),
]
Season: TypeAlias = Annotated[
    float,
    Field(
        title="Season",
        description="Half the difference between midsummer and midwinter.",
        ge=0,
        allow_inf_nan=False,
    ),
]
Noise: TypeAlias = Annotated[
    float,
    Field(title="Noise", description="The standard deviation of the noise.", ge=0, allow_inf_nan=False),
]
Persistence: TypeAlias = Annotated[
    float,
    Field(
        title="Persistence",
        description="The correlation of the noise with that of the day before.",
        ge=0,
        lt=1,
    ),
]
Missing: TypeAlias = Annotated[
    float, Field(title="Missing", description="The share of days without a value.", ge=0, lt=1)
]
Seed: TypeAlias = Annotated[
    int, Field(title="Seed", description="Another seed gives other series.", ge=0, lt=2**32)
]


@task
def simulate_time_series(
    count: Annotated[int, Field(title="Series", description="How many series to simulate.", ge=1, le=10_000)],
    years: Annotated[
        int, Field(title="Years", description="The length of each series, in years.", ge=1, le=500)
    ],
    *,
    start: Annotated[date, Field(title="Start", description="The first day.")] = START,
    trend: Trend = 0.02,
    season: Season = 8.0,
    noise: Noise = 3.0,
    persistence: Persistence = 0.7,
    missing: Missing = 0.05,
    seed: Seed = 0,
) -> DataFrame:
    """Simulate daily series with a known trend, seasons, noise and gaps; one row for each series and day.

    The columns are `series` (counted from 1), `date` and `value`. The values of a series depend on the seed
    and on its number, not on how many series there are.
    """
    import numpy as np
    import pandas as pd

    days = _days(start, years)
    rows = [_random_numbers(seed, number, len(days)) for number in range(1, count + 1)]
    normal = np.stack([row[0] for row in rows], axis=1)
    absent = np.stack([row[1] < missing for row in rows], axis=1)
    elapsed = np.arange(len(days)) / DAYS_A_YEAR
    # The year begins in the middle of winter.
    day_of_year = (days - days.astype("datetime64[Y]")).astype("float64")
    cycle = LEVEL - season * np.cos(2 * np.pi * day_of_year / DAYS_A_YEAR)
    values = (cycle + trend * elapsed)[:, None] + noise * _persistent(normal, persistence)
    values[absent] = np.nan
    return pd.DataFrame(
        {
            "series": np.repeat(np.arange(1, count + 1), len(days)),
            "date": np.tile(days.astype("datetime64[us]"), count),
            "value": values.T.ravel(),
        }
    )


def _days(start: date, years: int) -> "np.ndarray[Any, Any]":
    import numpy as np

    if start.year + years > LAST_YEAR:
        raise TaskError(
            f"{years} years from {start} end after the year {LAST_YEAR}",
            parameter="start",
            hint="use an earlier start, or fewer years",
        )
    first = np.datetime64(start, "D")
    in_month = first - first.astype("datetime64[M]").astype("datetime64[D]")
    end = (first.astype("datetime64[M]") + 12 * years).astype("datetime64[D]") + in_month
    return np.arange(first, end)


def _random_numbers(seed: int, number: int, days: int) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Return a series' noise before persistence, and what decides which values are missing."""
    import numpy as np

    generator = np.random.default_rng([seed, number])
    return generator.standard_normal(days), generator.random(days)


def _persistent(normal: "np.ndarray[Any, Any]", persistence: float) -> "np.ndarray[Any, Any]":
    """Return noise of variance 1 in which each row is correlated with the row before: AR(1)."""
    import numpy as np

    noise = np.empty_like(normal)
    noise[0] = normal[0]
    fresh = np.sqrt(1 - persistence**2) * normal
    for day in range(1, len(normal)):
        noise[day] = persistence * noise[day - 1] + fresh[day]
    return noise
