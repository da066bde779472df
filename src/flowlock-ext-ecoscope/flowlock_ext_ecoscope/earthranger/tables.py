"""From what EarthRanger answers to tables: relocations and events."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import TaskError
from flowlock_ext_ecoscope.earthranger.site import Record
from flowlock_ext_ecoscope.geometry import WGS84, plain_table

if TYPE_CHECKING:
    import pandas as pd

    from flowlock_ext_ecoscope.types import GeoDataFrame

_MALFORMED = "the answer of the site is not as EarthRanger answers"


def relocations(observations: Sequence[Record], others: Sequence[str] = ()) -> "GeoDataFrame":
    """Return fixes as ecoscope names their columns: those that it does not know begin with `extra__`.

    Each observation has `id`, `subject_id`, `recorded_at` and `location`; the subject is the group.
    Without one, the table is empty, and has the columns `others`, too.
    """
    import geopandas as gpd
    import pandas as pd
    from ecoscope.base import Relocations

    if not observations:
        columns = {"groupby_col": "str", "fixtime": "datetime64[ns, UTC]", "junk_status": "bool"}
        columns |= dict.fromkeys([f"extra__{name}" for name in others], "object")
        empty = {name: pd.Series(dtype=dtype) for name, dtype in columns.items()}
        return gpd.GeoDataFrame(empty, geometry=gpd.GeoSeries([], crs=WGS84))
    table = pd.DataFrame(observations)
    for column in ("recorded_at", "created_at"):
        if column in table:
            table[column] = times(table[column], column)
    points = [_point(row) for row in observations]
    fixes = gpd.GeoDataFrame(table, geometry=points, crs=WGS84)
    found = Relocations.from_gdf(fixes, groupby_col="subject_id", uuid_col="id", time_col="recorded_at")
    return plain_table(found)


def times(values: "pd.Series[Any]", column: str) -> "pd.Series[Any]":
    """Return texts in ISO 8601 as times in UTC; a TaskError names the first that is not one."""
    import pandas as pd

    try:
        read = pd.to_datetime(values, format="ISO8601", utc=True)
    except (ValueError, TypeError) as error:
        raise TaskError(f"{_MALFORMED}: in `{column}`, {error}", code="FL754", parameter="client") from error
    exact: pd.Series[Any] = read.dt.as_unit("ns")
    return exact


def events(rows: Sequence[Record]) -> "GeoDataFrame":
    """Return events with `time` in UTC, `id`, `event_type` and a geometry; an event may have none."""
    import geopandas as gpd
    import pandas as pd

    table = pd.DataFrame([*rows], columns=None if rows else ["id", "event_type", "time"])
    table["time"] = times(table["time"], "time")
    shapes = gpd.GeoSeries([_shape(row) for row in rows], index=table.index, crs=WGS84)
    whole = gpd.GeoDataFrame(table.drop(columns="geometry", errors="ignore"), geometry=shapes)
    return whole.sort_values("time", kind="stable").reset_index(drop=True)


def _shape(row: Record) -> Any:
    """Return the geometry of an event: of its GeoJSON, or else its place."""
    import shapely

    feature = row.get("geojson")
    document = feature.get("geometry") if isinstance(feature, Mapping) else None
    if document is None:
        return _point(row)
    try:
        return shapely.geometry.shape(document)
    except (shapely.errors.ShapelyError, KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{_MALFORMED}: the geometry of the event {row.get('id')} is not GeoJSON"
        raise TaskError(message, code="FL754", parameter="client") from error


def _point(row: Record) -> Any:
    import shapely

    place = row.get("location")
    if place is None:
        return None
    try:
        return shapely.Point(float(place["longitude"]), float(place["latitude"]))
    except (KeyError, TypeError, ValueError) as error:
        message = f"{_MALFORMED}: the location of {row.get('id')} has no longitude and latitude"
        raise TaskError(message, code="FL754", parameter="client") from error


def require_keys(rows: Iterable[Record], keys: Sequence[str], what: str) -> None:
    """Raise a TaskError unless each row has these keys."""
    for row in rows:
        absent = [key for key in keys if row.get(key) is None]
        if absent:
            message = f"{_MALFORMED}: {what} without {' and '.join(absent)}"
            raise TaskError(message, code="FL754", parameter="client")
