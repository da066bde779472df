"""What tasks require of a geometry, and the projection in which metres are metres."""

import math
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import TaskError

if TYPE_CHECKING:
    from flowlock_ext_ecoscope.types import GeoDataFrame

WGS84 = "EPSG:4326"
# Wider than two zones, or beyond their latitudes, UTM is not for.
_UTM_WIDTH, _UTM_LATITUDE = 12, 80
_HALF_TURN, _POLE = 180, 90


def require_crs(gdf: "GeoDataFrame", parameter: str) -> None:
    """Raise a TaskError unless the table says which CRS its coordinates are in."""
    if gdf.crs is None:
        raise TaskError(
            "the geometry has no CRS, so its coordinates cannot be interpreted",
            parameter=parameter,
            hint="set `crs` in the step that loads the table, for example EPSG:4326",
        )


def require_points(gdf: "GeoDataFrame", parameter: str) -> None:
    """Raise a TaskError unless each geometry is a point with finite coordinates."""
    kinds = set(gdf.geometry.geom_type.dropna())
    if kinds - {"Point"}:
        raise TaskError(
            f"points are required, but the geometry contains {', '.join(sorted(kinds - {'Point'}))}",
            parameter=parameter,
        )
    empty = int((gdf.geometry.isna() | gdf.geometry.is_empty).sum())
    if empty:
        raise TaskError(
            f"{empty} of {len(gdf)} rows have no position",
            parameter=parameter,
            hint="remove them before this step, for example with apply_reloc_coord_filter",
        )


def require_degrees_in_range(gdf: "GeoDataFrame", parameter: str) -> None:
    """Raise a TaskError for latitudes beyond the poles, as swapped columns give them."""
    if gdf.crs is None or not gdf.crs.is_geographic or gdf.empty:
        return
    left, bottom, right, top = gdf.total_bounds
    if bottom < -_POLE or top > _POLE:
        worst = top if top > _POLE else bottom
        raise TaskError(
            f"the latitude {worst:g} is beyond the pole",
            parameter=parameter,
            hint="longitude and latitude may be swapped: check the columns of x and y",
        )
    if left < -2 * _HALF_TURN or right > 2 * _HALF_TURN:
        raise TaskError(
            f"the longitude {left if left < -2 * _HALF_TURN else right:g} is not in degrees",
            parameter=parameter,
            hint="set `crs` to the CRS of the coordinates",
        )


def projected_crs(text: str, parameter: str) -> Any:
    """Return a CRS by its name; a TaskError if it does not exist or is not in metres."""
    import pyproj

    try:
        crs = pyproj.CRS.from_user_input(text)
    except pyproj.exceptions.CRSError as error:
        raise TaskError(
            f"`{text}` is not a known CRS", parameter=parameter, hint="write it as EPSG:32737"
        ) from error
    if not crs.is_projected or crs.axis_info[0].unit_name not in ("metre", "meter"):
        raise TaskError(
            f"the CRS {text} is not in metres ({crs.axis_info[0].unit_name})",
            parameter=parameter,
            hint="use a projected CRS, such as ESRI:102022 (Africa) or that of a UTM zone",
        )
    return crs


def metric_crs(gdf: "GeoDataFrame") -> Any:
    """Return a projection in metres for a table: the UTM zone of its middle if it is small enough.

    Otherwise it is Lambert's azimuthal equal-area projection about the middle, in which areas are right
    everywhere and which the antimeridian does not cut.
    """
    import pyproj

    degrees = gdf.geometry.to_crs(WGS84)
    bottom, top = float(degrees.bounds.miny.min()), float(degrees.bounds.maxy.max())
    left, right = longitudes(degrees)
    middle_x, middle_y = (left + right) / 2, (bottom + top) / 2
    if right - left <= _UTM_WIDTH and max(abs(bottom), abs(top)) <= _UTM_LATITUDE:
        zone = math.floor(((middle_x + _HALF_TURN) % (2 * _HALF_TURN)) / 6) + 1
        return pyproj.CRS.from_epsg((32600 if middle_y >= 0 else 32700) + zone)
    middle_x = (middle_x + _HALF_TURN) % (2 * _HALF_TURN) - _HALF_TURN
    return pyproj.CRS.from_proj4(
        f"+proj=laea +lat_0={middle_y:.4f} +lon_0={middle_x:.4f} +datum=WGS84 +units=m +no_defs"
    )


def longitudes(degrees: Any) -> tuple[float, float]:
    """Return the range of longitudes of geometries in degrees, beyond 180 if it is shorter that way."""
    bounds = degrees.bounds
    starts, ends = bounds.minx.to_numpy(), bounds.maxx.to_numpy()
    plain = float(starts.min()), float(ends.max())
    # A geometry that is wider than half of the globe crosses the antimeridian itself.
    crosses = ends - starts > _HALF_TURN
    west = (ends < 0) & ~crosses
    left = min([*starts[~west & ~crosses], *ends[crosses], math.inf])
    right = max([*(ends[west] + 2 * _HALF_TURN), *(starts[crosses] + 2 * _HALF_TURN), -math.inf])
    if math.isinf(left) or math.isinf(right) or right - left >= plain[1] - plain[0]:
        return plain
    return float(left), float(right)


def plain_table(gdf: "GeoDataFrame") -> "GeoDataFrame":
    """Return a table of one of ecoscope's classes as a table of geopandas, rows numbered from 0."""
    import geopandas as gpd
    import pandas as pd

    rows = pd.DataFrame(gdf).reset_index(drop=True)
    return gpd.GeoDataFrame(rows, geometry=gdf.active_geometry_name, crs=gdf.crs)
