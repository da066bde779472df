"""Tasks that estimate home ranges: elliptical time densities of trajectories."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_ext_ecoscope.density import (
    CustomGridCellSize,
    GridCellSize,
    automatic_size,
)
from flowlock_ext_ecoscope.elliptical import elliptical_density
from flowlock_ext_ecoscope.geometry import plain_table, projected_crs, require_crs
from flowlock_ext_ecoscope.types import GeoDataFrame, Trajectory

AFRICA_ALBERS = "ESRI:102022"
WEB_MERCATOR = "EPSG:3857"
PIXELS_AT_MOST = 25_000_000
PERCENTILES = [50.0, 60.0, 70.0, 80.0, 90.0, 95.0]
SQUARE_METERS_A_SQUARE_KILOMETER = 1e6
# A fit of two parameters needs more than one speed.
SEGMENTS_AT_LEAST = 2
# Projections stretch far from where they are meant for, but not that much.
STRETCHED_AT_MOST = 10

Crs: TypeAlias = Annotated[
    str,
    Field(
        title="CRS",
        description="A projected CRS in metres that suits the place; areas are those of this CRS.",
    ),
]
Nodata: TypeAlias = Annotated[
    float | str, Field(title="No data", description="The value of pixels outside of the range.")
]
Bands: TypeAlias = Annotated[int, Field(title="Bands", description="The bands of the raster.", ge=1, le=1)]
SpeedFactor: TypeAlias = Annotated[
    float,
    Field(title="Speed factor", description="A multiple of the highest measured speed.", gt=1, le=10),
]
Expansion: TypeAlias = Annotated[
    float,
    Field(title="Expansion", description="The raster's size, as a multiple of the track's.", ge=1, le=10),
]
Percentiles: TypeAlias = Annotated[
    list[Annotated[float, Field(gt=0, le=100)]],
    Field(title="Percentiles", description="The shares of the time, in percent.", min_length=1),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Raster:
    """The raster that a density is calculated on: metres a pixel, and its size in those of the trajectory.

    `parameter` is the one that the pixel size is from.
    """

    pixel_size: float
    parameter: str
    crs: str
    nodata: float | str
    expansion: float


@task
def calculate_time_density(
    trajectory_gdf: Trajectory,
    pixel_size: Annotated[float, Field(title="Pixel size", description="In metres.", gt=0)],
    *,
    crs: Crs = AFRICA_ALBERS,
    nodata_value: Nodata = "nan",
    band_count: Bands = 1,
    max_speed_factor: SpeedFactor = 1.05,
    expansion_factor: Expansion = 1.3,
    percentiles: Percentiles = PERCENTILES,
) -> GeoDataFrame:
    """Estimate where subjects spend their time: the areas with a share of it, in square kilometres.

    Each row has percentile, geometry and area_sqkm, the largest first. The method is the elliptical time
    density of J. A. Wall et al. (2014), Methods in Ecology and Evolution 5(8), 780-790, with the values of
    ecoscope. The distribution of speeds is fitted to each trajectory alone.
    """
    del band_count
    raster = _Raster(
        pixel_size=pixel_size,
        parameter="pixel_size",
        crs=crs,
        nodata=nodata_value,
        expansion=expansion_factor,
    )
    return _time_density(trajectory_gdf, raster, max_speed_factor, percentiles)


@task
def calculate_elliptical_time_density(
    trajectory_gdf: Trajectory,
    auto_scale_or_custom_cell_size: GridCellSize | None = None,
    *,
    crs: Crs = WEB_MERCATOR,
    nodata_value: Nodata = "nan",
    band_count: Bands = 1,
    max_speed_factor: SpeedFactor = 1.05,
    expansion_factor: Expansion = 1.05,
    percentiles: Percentiles = PERCENTILES,
) -> GeoDataFrame:
    """Estimate where subjects spend their time, as calculate_time_density, with cells that may fit the data.

    The default CRS is that of web maps, in which areas far from the equator are too large: set another one.
    """
    del band_count
    target = projected_crs(crs, "crs")
    if isinstance(auto_scale_or_custom_cell_size, CustomGridCellSize):
        pixel_size = auto_scale_or_custom_cell_size.grid_cell_size
    else:
        require_crs(trajectory_gdf, "trajectory_gdf")
        left, bottom, right, top = trajectory_gdf.geometry.to_crs(target).total_bounds
        pixel_size = automatic_size(right - left, top - bottom)
    raster = _Raster(
        pixel_size=pixel_size,
        parameter="auto_scale_or_custom_cell_size",
        crs=crs,
        nodata=nodata_value,
        expansion=expansion_factor,
    )
    return _time_density(trajectory_gdf, raster, max_speed_factor, percentiles)


def _time_density(
    trajectory: GeoDataFrame, raster: _Raster, speed_factor: float, percentiles: list[float]
) -> GeoDataFrame:
    from ecoscope.analysis.percentile import get_percentile_area
    from ecoscope.io.raster import RasterProfile, RasterPy

    _require_segments(trajectory)
    projected_crs(raster.crs, "crs")
    _require_short_segments(trajectory, raster.crs)
    _require_pixels(trajectory, raster)
    segments = trajectory.sort_values("segment_start", kind="stable")
    profile = RasterProfile(
        pixel_size=raster.pixel_size, crs=raster.crs, nodata_value=_nodata(raster.nodata), band_count=1
    )
    top_speed = speed_factor * float(segments["speed_kmhr"].max())
    density = elliptical_density(segments, profile, top_speed=top_speed, expansion=raster.expansion)
    if not density.any():
        raise TaskError(
            f"pixels of {raster.pixel_size:,.0f} m are too large: no segment leads near the centre of one",
            parameter=raster.parameter,
            hint="use smaller pixels",
        )
    density[density == 0] = profile.nodata_value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "density.tif")
        RasterPy.write(density, path, **profile)
        areas = get_percentile_area(percentile_levels=percentiles, raster_path=path)
    ranges = plain_table(areas.drop(columns="subject_id"))
    return ranges.assign(area_sqkm=ranges.geometry.area / SQUARE_METERS_A_SQUARE_KILOMETER)


def _nodata(value: float | str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise TaskError(f"`{value}` is not a number", parameter="nodata_value") from error


def _require_segments(trajectory: GeoDataFrame) -> None:
    columns = ["segment_start", "timespan_seconds", "dist_meters", "speed_kmhr"]
    require_columns(trajectory, columns, "trajectory_gdf")
    require_crs(trajectory, "trajectory_gdf")
    speeds = trajectory["speed_kmhr"]
    if len(trajectory) < SEGMENTS_AT_LEAST or speeds.nunique() < SEGMENTS_AT_LEAST:
        raise TaskError(
            f"the trajectory has {len(trajectory)} segments with {speeds.nunique()} different speeds, which "
            "is too few for a time density",
            parameter="trajectory_gdf",
            hint="use a longer time range, or skip groups with few fixes",
        )


def _require_short_segments(trajectory: GeoDataFrame, crs: str) -> None:
    """Refuse a CRS in which a segment is far longer than on the ground: its edge cuts the track."""
    stretched = (trajectory.geometry.to_crs(crs).length / trajectory["dist_meters"]).max()
    if stretched > STRETCHED_AT_MOST:
        raise TaskError(
            f"a segment of the trajectory is {stretched:,.0f} times as long in {crs} as on the ground",
            parameter="crs",
            hint="use a CRS that suits the place, such as that of a UTM zone; the edge of this one, or the "
            "antimeridian, may cut the track",
        )


def _require_pixels(trajectory: GeoDataFrame, raster: _Raster) -> None:
    bounds: Any = trajectory.geometry.to_crs(raster.crs).total_bounds
    left, bottom, right, top = (float(bound) for bound in bounds)
    pixels = (right - left) * (top - bottom) * raster.expansion**2 / raster.pixel_size**2
    # Not a number, where a position cannot be projected.
    if not pixels <= PIXELS_AT_MOST:
        raise TaskError(
            f"the raster would have {pixels:,.0f} pixels, which is more than {PIXELS_AT_MOST:,}",
            parameter=raster.parameter,
            hint=f"use larger pixels, and a CRS that suits the place (it is {raster.crs})",
        )
