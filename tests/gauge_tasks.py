"""Tasks whose parameters are of every kind that the service's page has a control for."""

import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from flowlock_core.task import task
from flowlock_core.types import TimeRange

Title = Annotated[str, Field(min_length=1)]


@task
def observe(
    *,
    period: TimeRange,
    serial: Annotated[int, Field(title="Serial number")],
    ratio: float = 1.5,
    unit: Literal["mm", "cm"] | None = None,
    suffix: str = "m",
    label: str | None = "gauge",
    stations: Sequence[Title] = (),
    weights: Mapping[str, float] | None = None,
    first_day: date | None = None,
    seen_at: datetime | None = None,
    limit: int | Literal["none"] = 10,
    sure: bool = False,
) -> list[int]:
    """Observe ten things."""
    return list(range(10))


@task
def wait(item: int, seconds: Annotated[float, Field(ge=0, le=5)] = 0.5) -> int:
    """Take a while for each item."""
    time.sleep(seconds)
    return item


@task
def describe(items: Sequence[int], prefix: str = "Seen") -> str:
    """Say how many there are."""
    return f"{prefix}: {len(items)}"
