"""Tasks that load positions: fixes of tracks and events, from tables and from files with a geometry."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field

from flowlock_core.documents.times import to_times
from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.tables.files import SUFFIXES, TableFormat, read_table, require_file, unreadable
from flowlock_core.task import task
from flowlock_core.types import InputPath
from flowlock_ext_ecoscope.geometry import WGS84, require_crs, require_degrees_in_range, require_points
from flowlock_ext_ecoscope.types import GeoDataFrame

if TYPE_CHECKING:
    import pandas as pd

GEOGRAPHIC_SUFFIXES = (".gpkg", ".geojson")
PositionFile: TypeAlias = Annotated[
    InputPath,
    Field(
        title="File",
        description="CSV, Parquet or another table with columns of coordinates, or GeoParquet, GeoPackage or "
        "GeoJSON.",
    ),
]
XColumn: TypeAlias = Annotated[
    str, Field(title="X column", description="The column of longitudes; not used if there is a geometry.")
]
YColumn: TypeAlias = Annotated[
    str, Field(title="Y column", description="The column of latitudes; not used if there is a geometry.")
]
CrsName: TypeAlias = Annotated[
    str | None,
    Field(
        title="CRS",
        description="The CRS of the coordinates if the file has none; WGS 84 for columns of coordinates.",
    ),
]


@task(tags=("io",), example="examples/relocations.geojson")
def load_relocations(
    path: PositionFile,
    subject_column: Annotated[
        str, Field(title="Subject column", description="The column that says whose fix it is.")
    ] = "groupby_col",
    time_column: Annotated[
        str, Field(title="Time column", description="The column of times; without a time zone, UTC.")
    ] = "fixtime",
    x_column: XColumn = "longitude",
    y_column: YColumn = "latitude",
    *,
    crs: CrsName = None,
) -> GeoDataFrame:
    """Load the fixes of tracks: points with the columns groupby_col, fixtime (in UTC) and junk_status.

    All other columns are kept. Rows without a position are an error.
    """
    gdf = _positions(path, time_column, x_column, y_column, crs)
    require_columns(gdf, [subject_column], "subject_column")
    require_points(gdf, "path")
    subjects = gdf[subject_column]
    if subjects.isna().any():
        raise TaskError(
            f"{int(subjects.isna().sum())} rows have no value in `{subject_column}`",
            parameter="subject_column",
        )
    return gdf.assign(
        groupby_col=subjects.astype(str), fixtime=_in_utc(gdf[time_column], time_column), junk_status=False
    )


@task(tags=("io",), example="examples/events.geojson")
def load_events(
    path: PositionFile,
    time_column: Annotated[
        str, Field(title="Time column", description="The column of times; without a time zone, UTC.")
    ] = "time",
    x_column: XColumn = "longitude",
    y_column: YColumn = "latitude",
    *,
    crs: CrsName = None,
) -> GeoDataFrame:
    """Load events: a geometry for each, and the column `time` in UTC. All other columns are kept.

    An event may have no position; drop_null_geometry removes those.
    """
    gdf = _positions(path, time_column, x_column, y_column, crs)
    return gdf.assign(time=_in_utc(gdf[time_column], time_column))


def _positions(path: Path, time_column: str, x_column: str, y_column: str, crs: str | None) -> GeoDataFrame:
    """Read a file as a table with a geometry in a known CRS, and with times."""
    gdf = _with_geometry_of_file(path)
    if gdf is None:
        gdf = _points(read_table(path), x_column, y_column, crs or WGS84)
    elif gdf.crs is None and crs is not None:
        gdf = gdf.set_crs(crs)
    require_columns(gdf, [time_column], "time_column")
    require_crs(gdf, "crs")
    require_degrees_in_range(gdf, "path")
    return gdf


def _with_geometry_of_file(path: Path) -> GeoDataFrame | None:
    """Return the contents of a file that has a geometry itself, or None."""
    if path.suffix.lower() in GEOGRAPHIC_SUFFIXES:
        return _read_features(path)
    if SUFFIXES.get(path.suffix.lower()) is not TableFormat.PARQUET or not path.is_file():
        return None
    import geopandas as gpd
    import pyarrow.parquet as pq

    metadata = pq.read_schema(path).metadata or {}
    return gpd.read_parquet(path) if b"geo" in metadata else None


def _read_features(path: Path) -> GeoDataFrame:
    import geopandas as gpd
    import pyogrio

    require_file(path, "path")
    try:
        gdf = gpd.read_file(path, engine="pyogrio")
    except (pyogrio.errors.DataSourceError, ValueError) as error:
        raise unreadable(path, str(error), "path") from error
    if not isinstance(gdf, gpd.GeoDataFrame):
        raise unreadable(path, "it has no geometry", "path")
    return gdf


def _points(table: "pd.DataFrame", x_column: str, y_column: str, crs: str) -> GeoDataFrame:
    import geopandas as gpd
    from pandas.api.types import is_numeric_dtype

    for column, parameter in ((x_column, "x_column"), (y_column, "y_column")):
        require_columns(table, [column], parameter)
        if not is_numeric_dtype(table[column].dtype):
            raise TaskError(f"the column `{column}` contains no numbers", parameter=parameter)
    missing = table[x_column].isna() | table[y_column].isna()
    points = gpd.GeoSeries(gpd.points_from_xy(table[x_column], table[y_column]), index=table.index, crs=crs)
    points[missing] = None
    return gpd.GeoDataFrame(table.drop(columns=[x_column, y_column]), geometry=points)


def _in_utc(column: "pd.Series[Any]", name: str) -> "pd.Series[Any]":
    times = to_times(column, name)
    zoned = times.dt.tz_localize("UTC") if times.dt.tz is None else times.dt.tz_convert("UTC")
    in_utc: pd.Series[Any] = zoned.dt.as_unit("ns")
    return in_utc


@task
def drop_null_geometry(
    gdf: Annotated[GeoDataFrame, Field(title="Table", description="A table with a geometry.")],
) -> GeoDataFrame:
    """Remove the rows that have no geometry, or an empty one."""
    return gdf[gdf.geometry.notna() & ~gdf.geometry.is_empty].reset_index(drop=True)
