"""Tasks that filter the fixes of tracks and connect them to trajectories."""

import math
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns, require_times
from flowlock_core.task import task
from flowlock_ext_ecoscope.geometry import (
    plain_table,
    require_crs,
    require_degrees_in_range,
    require_points,
)
from flowlock_ext_ecoscope.types import Coordinate, GeoDataFrame, Relocations

FIX_COLUMNS = ["groupby_col", "fixtime"]
# Added by ecoscope to the names of columns that it does not know, and by EarthRanger to those of a subject.
PREFIXES = ("extra__", "subject__")
NO_PLACES: list[Coordinate] = []
NULL_ISLAND = [Coordinate(x=0.0, y=0.0)]
Places: TypeAlias = Annotated[
    list[Coordinate],
    Field(title="Excluded places", description="Fixes at exactly these places are errors of a device."),
]


class BoundingBox(BaseModel):
    """Limits of coordinates, which are included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_x: Annotated[float, Field(title="Least X", description="The least longitude.")] = -180.0
    max_x: Annotated[float, Field(title="Greatest X", description="The greatest longitude.")] = 180.0
    min_y: Annotated[float, Field(title="Least Y", description="The least latitude.")] = -90.0
    max_y: Annotated[float, Field(title="Greatest Y", description="The greatest latitude.")] = 90.0


class TrajectorySegmentFilter(BaseModel):
    """Which segments between two fixes are kept; the limits are included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_length_meters: Annotated[float, Field(title="Shortest segment", description="In metres.", ge=0)] = 0.1
    max_length_meters: Annotated[float, Field(title="Longest segment", description="In metres.", gt=0)] = (
        10000
    )
    min_time_secs: Annotated[float, Field(title="Shortest time", description="In seconds.", ge=0)] = 1
    max_time_secs: Annotated[float, Field(title="Longest time", description="In seconds.", gt=0)] = 3600
    min_speed_kmhr: Annotated[
        float, Field(title="Least speed", description="In kilometres per hour.", ge=0)
    ] = 0.0
    max_speed_kmhr: Annotated[
        float, Field(title="Greatest speed", description="In kilometres per hour.", gt=0)
    ] = 120


@task
def process_relocations(
    observations: Relocations,
    filter_point_coords: Places,
    relocs_columns: Annotated[
        list[str],
        Field(
            title="Columns",
            description="The columns to keep; those of a subject have the prefix extra__subject__.",
            min_length=1,
        ),
    ],
) -> GeoDataFrame:
    """Prepare the fixes of tracks: sort them by time, remove errors of devices, select columns.

    The prefixes extra__ and subject__ are removed from the names of the columns.
    """
    from ecoscope.base import Relocations as EcoscopeRelocations
    from ecoscope.base import RelocsCoordinateFilter

    _require_fixes(observations, "observations")
    # A second pass would add the prefix to the columns that have none.
    bare = observations.rename(columns=lambda name: str(name).removeprefix("extra__"))
    relocations = EcoscopeRelocations.from_gdf(bare, groupby_col="groupby_col", time_col="fixtime")
    if filter_point_coords:
        # Its limits would be degrees, whatever the CRS.
        limits = {"min_x": -math.inf, "max_x": math.inf, "min_y": -math.inf, "max_y": math.inf}
        places = [[place.x, place.y] for place in filter_point_coords]
        places_filter = RelocsCoordinateFilter(**limits, filter_point_coords=places)
        relocations.apply_reloc_filter(places_filter, inplace=True)
        relocations.remove_filtered(inplace=True)
    kept = plain_table(relocations)
    wanted = [*dict.fromkeys([*relocs_columns, *FIX_COLUMNS, "junk_status", kept.active_geometry_name])]
    # A name may be written with the prefix or without it.
    names = [name if name in kept.columns else f"extra__{name}" for name in wanted]
    unknown = [name for name, full in zip(wanted, names, strict=True) if full not in kept.columns]
    require_columns(kept, unknown, "relocs_columns")
    return kept[names].rename(columns=_without_prefixes(names))


def _without_prefixes(names: list[str]) -> dict[str, str]:
    shortened: dict[str, str] = {}
    for name in names:
        short = name
        for prefix in PREFIXES:
            short = short.removeprefix(prefix)
        if short in shortened.values():
            raise TaskError(f"two columns would be named `{short}`", parameter="relocs_columns")
        shortened[name] = short
    return shortened


def _require_fixes(gdf: GeoDataFrame, parameter: str) -> None:
    require_columns(gdf, FIX_COLUMNS, parameter)
    require_times(gdf, "fixtime", parameter)
    require_crs(gdf, parameter)
    require_points(gdf, parameter)
    require_degrees_in_range(gdf, parameter)


@task
def apply_reloc_coord_filter(
    df: Annotated[GeoDataFrame, Field(title="Table", description="A table of points.")],
    *,
    min_x: Annotated[float, Field(title="Least X", description="The least longitude.")] = -180.0,
    max_x: Annotated[float, Field(title="Greatest X", description="The greatest longitude.")] = 180.0,
    min_y: Annotated[float, Field(title="Least Y", description="The least latitude.")] = -90.0,
    max_y: Annotated[float, Field(title="Greatest Y", description="The greatest latitude.")] = 90.0,
    filter_point_coords: Places = NULL_ISLAND,
    bounding_box: Annotated[
        BoundingBox | None,
        Field(title="Bounding box", description="The four limits as one value; replaces them."),
    ] = None,
    reset_index: Annotated[
        bool, Field(title="Number rows", description="Number the remaining rows from 0.")
    ] = True,
) -> GeoDataFrame:
    """Keep the points that are within limits and not at excluded places; rows without a position go."""
    require_crs(df, "df")
    box = bounding_box or BoundingBox(min_x=min_x, max_x=max_x, min_y=min_y, max_y=max_y)
    if box.min_x > box.max_x or box.min_y > box.max_y:
        raise TaskError(
            "a least coordinate is greater than the greatest one",
            parameter="bounding_box" if bounding_box else "min_x",
            hint="a box over the antimeridian cannot be written this way: filter its two parts",
        )
    present = df[df.geometry.notna() & ~df.geometry.is_empty]
    require_points(present, "df")
    x, y = present.geometry.x, present.geometry.y
    inside = x.between(box.min_x, box.max_x) & y.between(box.min_y, box.max_y)
    for place in filter_point_coords:
        inside &= (x != place.x) | (y != place.y)
    kept = present[inside]
    return kept.reset_index(drop=True) if reset_index else kept


@task
def relocations_to_trajectory(
    relocations: Relocations,
    *,
    min_length_meters: Annotated[
        float, Field(title="Shortest segment", description="In metres.", ge=0)
    ] = 0.1,
    max_length_meters: Annotated[
        float, Field(title="Longest segment", description="In metres.", gt=0)
    ] = 10000,
    max_time_secs: Annotated[float, Field(title="Longest time", description="In seconds.", gt=0)] = 3600,
    min_time_secs: Annotated[float, Field(title="Shortest time", description="In seconds.", ge=0)] = 1,
    max_speed_kmhr: Annotated[
        float, Field(title="Greatest speed", description="In kilometres per hour.", gt=0)
    ] = 120,
    min_speed_kmhr: Annotated[
        float, Field(title="Least speed", description="In kilometres per hour.", ge=0)
    ] = 0.0,
    trajectory_segment_filter: Annotated[
        TrajectorySegmentFilter | None,
        Field(title="Segment filter", description="The six limits as one value; replaces them."),
    ] = None,
) -> GeoDataFrame:
    """Connect the fixes of each subject to segments, and keep those within limits.

    The columns are groupby_col, segment_start, segment_end, timespan_seconds, dist_meters (on the
    ellipsoid), speed_kmhr, heading and those of the first fix, with the prefix extra__. A subject with one
    fix has no segment, and there is none between two fixes at the same time.
    """
    _require_fixes(relocations, "relocations")
    limits = trajectory_segment_filter or TrajectorySegmentFilter(
        min_length_meters=min_length_meters,
        max_length_meters=max_length_meters,
        min_time_secs=min_time_secs,
        max_time_secs=max_time_secs,
        min_speed_kmhr=min_speed_kmhr,
        max_speed_kmhr=max_speed_kmhr,
    )
    return _connected(_of_moving_subjects(relocations), limits)


def _of_moving_subjects(relocations: GeoDataFrame) -> GeoDataFrame:
    """Return the fixes of subjects that have more than one, sorted by subject and time."""
    counts = relocations["groupby_col"].value_counts()
    moving = relocations[relocations["groupby_col"].isin(counts[counts > 1].index)]
    if moving.empty:
        raise TaskError(
            f"no subject has two fixes ({len(relocations)} fixes of {len(counts)} subjects), so there is "
            "no track",
            parameter="relocations",
            hint="check the time range and the filters before this step, or skip it with any_is_empty_df",
        )
    ordered: GeoDataFrame = moving.sort_values(["groupby_col", "fixtime"], kind="stable")
    return ordered.reset_index(drop=True)


def _connected(fixes: GeoDataFrame, limits: TrajectorySegmentFilter) -> GeoDataFrame:
    """Connect fixes to segments, and return those within limits."""
    from ecoscope.base import Relocations as EcoscopeRelocations
    from ecoscope.base import Trajectory as EcoscopeTrajectory
    from ecoscope.base import TrajSegFilter

    trajectory: Any = EcoscopeTrajectory.from_relocations(
        EcoscopeRelocations.from_gdf(fixes, groupby_col="groupby_col", time_col="fixtime")
    )
    trajectory.apply_traj_filter(TrajSegFilter(**limits.model_dump()), inplace=True)
    trajectory.remove_filtered(inplace=True)
    # Nothing moves in no time; the speed of that segment is not a number.
    return plain_table(trajectory[trajectory["timespan_seconds"] > 0])
