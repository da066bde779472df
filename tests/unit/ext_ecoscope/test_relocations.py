"""Fixes and the trajectories that connect them; what is not a track is said so."""

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_ext_ecoscope.relocations import (
    BoundingBox,
    TrajectorySegmentFilter,
    apply_reloc_coord_filter,
    process_relocations,
    relocations_to_trajectory,
)
from flowlock_ext_ecoscope.types import Coordinate
from tracks import fixes

if TYPE_CHECKING:
    from geopandas import GeoDataFrame


def trajectory_of_ecoscope(relocations: "GeoDataFrame") -> "GeoDataFrame":
    from ecoscope.base import Relocations, Trajectory, TrajSegFilter

    relocs = Relocations.from_gdf(relocations, groupby_col="groupby_col", time_col="fixtime")
    trajectory = Trajectory.from_relocations(relocs)
    limits = TrajSegFilter(
        min_length_meters=0.1,
        max_length_meters=10000,
        max_time_secs=3600,
        min_time_secs=1,
        max_speed_kmhr=120,
    )
    trajectory.apply_traj_filter(limits, inplace=True)
    trajectory.remove_filtered(inplace=True)
    return trajectory


def test_a_trajectory_is_that_of_ecoscope_called_directly() -> None:
    relocations = fixes()
    before = relocations.copy()
    ours, theirs = relocations_to_trajectory(relocations), trajectory_of_ecoscope(fixes())
    columns = ["groupby_col", "segment_start", "segment_end", "dist_meters", "speed_kmhr", "heading"]
    order = ["groupby_col", "segment_start"]
    pd.testing.assert_frame_equal(
        pd.DataFrame(ours[columns]).sort_values(order, ignore_index=True),
        pd.DataFrame(theirs[columns]).sort_values(order, ignore_index=True),
        rtol=1e-9,
    )
    assert len(ours) == 3 * 199
    pd.testing.assert_frame_equal(pd.DataFrame(relocations), pd.DataFrame(before))


def test_the_limits_can_be_one_value() -> None:
    limits = TrajectorySegmentFilter(max_length_meters=300)
    as_one = relocations_to_trajectory(fixes(), trajectory_segment_filter=limits)
    assert as_one.equals(relocations_to_trajectory(fixes(), max_length_meters=300))
    assert as_one["dist_meters"].max() <= 300


def test_columns_are_selected_and_their_prefixes_removed() -> None:
    observations = fixes().rename(columns={"name": "extra__subject__name"})
    processed = process_relocations(observations, [], ["extra__subject__name", "geometry"])
    assert list(processed.columns) == ["name", "geometry", "groupby_col", "fixtime", "junk_status"]
    with pytest.raises(TaskError, match="column `sex` does not exist"):
        process_relocations(observations, [], ["sex"])


def test_excluded_places_are_left_out_in_any_crs() -> None:
    observations = fixes(("A",), count=10)
    place = observations.geometry.iloc[3]
    assert len(process_relocations(observations, [Coordinate(x=place.x, y=place.y)], ["name"])) == 9
    assert len(process_relocations(observations.to_crs(32737), [Coordinate(x=0, y=0)], ["name"])) == 10


def test_points_outside_of_limits_and_rows_without_a_position_are_left_out() -> None:
    observations = fixes(("A", "B"), count=10)
    observations.loc[0, "geometry"] = None
    limits = BoundingBox(max_x=float(observations.geometry.x.median()))
    kept = apply_reloc_coord_filter(observations, bounding_box=limits)
    assert 0 < len(kept) < 19
    assert kept.geometry.x.max() <= limits.max_x
    with pytest.raises(TaskError, match="greater than the greatest"):
        apply_reloc_coord_filter(observations, min_x=10, max_x=-10)


def test_a_track_across_the_antimeridian_has_the_right_length() -> None:
    import geopandas as gpd

    track = fixes(("A",), count=2)
    track = track.set_geometry(gpd.points_from_xy([179.99, -179.99], [0.0, 0.0], crs="EPSG:4326"))
    assert relocations_to_trajectory(track)["dist_meters"].tolist() == pytest.approx([2226.39], abs=0.01)


def test_two_fixes_at_one_time_have_no_segment_between_them() -> None:
    track = fixes(("A",), count=5)
    track.loc[2, "fixtime"] = track.loc[1, "fixtime"]
    segments = relocations_to_trajectory(track, min_time_secs=0, min_length_meters=0)
    assert len(segments) == 3
    assert (segments["timespan_seconds"] > 0).all()


def test_a_subject_with_one_fix_has_no_segment_and_alone_no_track() -> None:
    track = pd.concat([fixes(("A",), count=5), fixes(("B",), count=1)], ignore_index=True)
    assert set(relocations_to_trajectory(track)["groupby_col"]) == {"A"}
    with pytest.raises(TaskError, match="no subject has two fixes"):
        relocations_to_trajectory(track.tail(1))
    with pytest.raises(TaskError, match="no subject has two fixes"):
        relocations_to_trajectory(track.head(0))


def test_positions_that_cannot_be_right_are_refused() -> None:
    import geopandas as gpd

    track = fixes(("A",), count=3)
    with pytest.raises(TaskError, match="no CRS"):
        relocations_to_trajectory(track.set_crs(None, allow_override=True))
    swapped = track.set_geometry(gpd.points_from_xy([-1.0] * 3, [136.9] * 3, crs="EPSG:4326"))
    with pytest.raises(TaskError, match=r"the latitude 136\.9 is beyond the pole") as caught:
        relocations_to_trajectory(swapped)
    assert "swapped" in str(caught.value.hint)
    track.loc[1, "geometry"] = None
    with pytest.raises(TaskError, match="1 of 3 rows have no position"):
        relocations_to_trajectory(track)
