"""Made tracks and events: the numbers are of a generator with a fixed seed, no animal or patrol was there."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

METERS_A_DEGREE = 111_320


def fixes(
    subjects: tuple[str, ...] = ("A", "B", "C"), *, count: int = 200, seed: int = 7, speed: float = 400.0
) -> "GeoDataFrame":
    """Return relocations every 30 minutes: walks that return to where they began."""
    import geopandas as gpd

    random = np.random.default_rng(seed)
    tables = []
    for number, subject in enumerate(subjects):
        heading = np.cumsum(random.vonmises(0, 4, count))
        steps = random.weibull(1.5, count) * speed
        x, y = np.cumsum(steps * np.cos(heading)), np.cumsum(steps * np.sin(heading))
        x, y = x - np.linspace(0, x[-1], count), y - np.linspace(0, y[-1], count)
        times = pd.date_range("2024-03-01", periods=count, freq="30min", tz="UTC")
        columns = {"groupby_col": subject, "fixtime": times, "junk_status": False, "name": f"Made {subject}"}
        points = gpd.points_from_xy(
            36.9 + number / 10 + x / METERS_A_DEGREE, -1.1 + y / METERS_A_DEGREE, crs="EPSG:4326"
        )
        tables.append(gpd.GeoDataFrame(columns, geometry=points))
    return gpd.GeoDataFrame(pd.concat(tables, ignore_index=True))


def areas_of_ecoscope(trajectory: "GeoDataFrame", levels: Sequence[float]) -> list[float]:
    """Return the areas, in square kilometres, that ecoscope called directly finds in cells of 250 m."""
    from ecoscope.analysis.percentile import get_percentile_area
    from ecoscope.analysis.UD import calculate_etd_range
    from ecoscope.analysis.UD.etd_range import Weibull2Parameter
    from ecoscope.io.raster import RasterProfile

    with tempfile.TemporaryDirectory() as folder:
        raster = Path(folder, "raster.tif")
        calculate_etd_range(
            trajectory,
            raster,
            max_speed_kmhr=1.05 * trajectory["speed_kmhr"].max(),
            raster_profile=RasterProfile(pixel_size=250.0, crs="ESRI:102022", nodata_value=float("nan")),
            weibull_pdf=Weibull2Parameter(),
        )
        return list(get_percentile_area(list(levels), raster).area / 1e6)


def events(count: int = 200, *, seed: int = 3) -> "GeoDataFrame":
    """Return events of three kinds about one place, over two months."""
    import geopandas as gpd

    random = np.random.default_rng(seed)
    minutes = random.integers(0, 60 * 24 * 60, count)
    columns: dict[str, Any] = {
        "id": [f"event {number}" for number in range(count)],
        "event_type": random.choice(["sighting", "snare", "fence"], count, p=[0.6, 0.1, 0.3]),
        "time": pd.Timestamp("2024-03-01", tz="UTC") + pd.to_timedelta(minutes, unit="min"),
    }
    x, y = 36.9 + random.normal(0, 0.08, count), -1.1 + random.normal(0, 0.08, count)
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(x, y, crs="EPSG:4326"))
