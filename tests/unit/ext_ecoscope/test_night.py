"""Day and night along tracks."""

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_ext_ecoscope.night import classify_is_night, get_day_night_ratio, get_night_day_ratio
from flowlock_ext_ecoscope.relocations import relocations_to_trajectory
from tracks import fixes


def test_nearly_half_of_the_fixes_at_the_equator_are_of_the_night() -> None:
    classified = classify_is_night(fixes(count=48 * 4))
    assert 0.48 < classified["is_night"].mean() < 0.52
    noon = classified["fixtime"].dt.hour == 9  # UTC; noon at 37 degrees east
    assert not classified.loc[noon, "is_night"].any()


def test_the_two_ratios_are_the_inverse_of_each_other() -> None:
    trajectory = relocations_to_trajectory(fixes())
    assert get_day_night_ratio(trajectory) * get_night_day_ratio(trajectory) == pytest.approx(1, rel=1e-12)


def test_a_segment_over_a_sunset_counts_for_day_and_night_by_its_parts() -> None:
    track = fixes(("A",), count=2)
    # From noon to midnight there: sunset is halfway.
    track["fixtime"] = pd.to_datetime(["2024-03-20T09:40:00Z", "2024-03-20T21:40:00Z"])
    trajectory = relocations_to_trajectory(track, max_time_secs=86400, min_length_meters=0)
    assert get_day_night_ratio(trajectory) == pytest.approx(1, abs=0.03)


def test_without_any_distance_by_night_there_is_no_ratio() -> None:
    track = fixes(("A",), count=6)
    track["fixtime"] += pd.Timedelta(hours=8)
    trajectory = relocations_to_trajectory(track)
    with pytest.raises(TaskError, match="no distance was moved by night"):
        get_day_night_ratio(trajectory)
    assert get_night_day_ratio(trajectory) == 0
