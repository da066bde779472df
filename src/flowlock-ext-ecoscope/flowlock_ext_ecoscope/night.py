"""Tasks about day and night: which fixes are of the night, and how far subjects move by day and by night."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_times
from flowlock_core.task import task
from flowlock_ext_ecoscope.geometry import WGS84, metric_crs, require_crs, require_degrees_in_range
from flowlock_ext_ecoscope.sun import sun_height
from flowlock_ext_ecoscope.types import GeoDataFrame, Trajectory

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# Halving a segment so often finds the sunrise to a millionth of its time.
_HALVINGS = 20


@task
def classify_is_night(
    relocations: Annotated[
        GeoDataFrame,
        Field(
            title="Relocations",
            description="Fixes with fixtime, or segments of a trajectory, of which the start counts.",
        ),
    ],
) -> GeoDataFrame:
    """Add the column is_night: whether the sun's centre was below the horizon.

    The height of the sun is that of NOAA's formula, without refraction.
    """
    require_crs(relocations, "relocations")
    require_degrees_in_range(relocations, "relocations")
    time_column = "segment_start" if "segment_start" in relocations.columns else "fixtime"
    require_times(relocations, time_column, "relocations")
    longitude, latitude = _places(relocations)
    height = sun_height(_seconds(relocations[time_column]), longitude, latitude)
    return relocations.assign(is_night=height < 0)


def _places(gdf: GeoDataFrame) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Return longitude and latitude of each geometry's middle."""
    points = gdf.geometry
    if not bool((points.geom_type == "Point").all()):
        # Middles of segments are taken on a plane, where the antimeridian does not cut them.
        points = points.to_crs(metric_crs(gdf)).centroid
    degrees = points.to_crs(WGS84)
    return degrees.x.to_numpy(), degrees.y.to_numpy()


def _seconds(times: "pd.Series[Any]") -> "np.ndarray[Any, Any]":
    """Return times as seconds since 1970; those without a time zone are UTC."""
    in_utc = times.dt.tz_localize("UTC") if times.dt.tz is None else times.dt.tz_convert("UTC")
    nanoseconds: np.ndarray[Any, Any] = in_utc.dt.as_unit("ns").astype("int64").to_numpy()
    return nanoseconds / 1e9


@task
def get_day_night_ratio(df: Trajectory) -> float:
    """Divide the distance moved by day by the distance moved by night.

    The part of a segment before and after sunrise or sunset counts for each. Without any distance by night
    there is no ratio, which is an error.
    """
    by_day, by_night = _distances(df)
    return _ratio(by_day, by_night, "night")


@task
def get_night_day_ratio(df: Trajectory) -> float:
    """Divide the distance moved by night by the distance moved by day: the inverse of get_day_night_ratio.

    The part of a segment before and after sunrise or sunset counts for each. Without any distance by day
    there is no ratio, which is an error.
    """
    by_day, by_night = _distances(df)
    return _ratio(by_night, by_day, "day")


def _ratio(of: float, to: float, missing: str) -> float:
    if to == 0:
        raise TaskError(
            f"no distance was moved by {missing}, so there is no ratio",
            parameter="df",
            hint="use a longer time range",
        )
    return of / to


def _distances(df: GeoDataFrame) -> tuple[float, float]:
    """Return the metres moved by day and by night."""
    require_crs(df, "df")
    require_degrees_in_range(df, "df")
    for column in ("segment_start", "segment_end"):
        require_times(df, column, "df")
    longitude, latitude = _places(df)
    start, end = _seconds(df["segment_start"]), _seconds(df["segment_end"])
    starts_at_night = sun_height(start, longitude, latitude) < 0
    ends_at_night = sun_height(end, longitude, latitude) < 0
    before = _share_before_change(start, end, longitude, latitude, starts_at_night)
    # A segment that does not change is wholly what it was at its start.
    before[starts_at_night == ends_at_night] = 1
    meters = df["dist_meters"].to_numpy()
    first, second = meters * before, meters * (1 - before)
    by_night = first[starts_at_night].sum() + second[~starts_at_night].sum()
    by_day = first[~starts_at_night].sum() + second[starts_at_night].sum()
    return float(by_day), float(by_night)


def _share_before_change(
    start: "np.ndarray[Any, Any]",
    end: "np.ndarray[Any, Any]",
    longitude: "np.ndarray[Any, Any]",
    latitude: "np.ndarray[Any, Any]",
    starts_at_night: "np.ndarray[Any, Any]",
) -> "np.ndarray[Any, Any]":
    """Return for each segment the share of its time before the sun crosses the horizon, by bisection."""
    import numpy as np

    low, high = np.zeros(len(start)), np.ones(len(start))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        at_night = sun_height(start + middle * (end - start), longitude, latitude) < 0
        unchanged = at_night == starts_at_night
        low = np.where(unchanged, middle, low)
        high = np.where(unchanged, high, middle)
    return (low + high) / 2
