"""Home ranges: the numbers of ecoscope, whatever was calculated before."""

import math
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowlock_core.errors import TaskError
from flowlock_ext_ecoscope.density import CustomGridCellSize
from flowlock_ext_ecoscope.elliptical import BLOCK, elliptical_density, expected_densities
from flowlock_ext_ecoscope.relocations import relocations_to_trajectory
from flowlock_ext_ecoscope.time_density import calculate_elliptical_time_density, calculate_time_density
from tracks import areas_of_ecoscope, fixes

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

LEVELS = [50.0, 95.0]


def track(seed: int, speed: float = 400.0) -> "GeoDataFrame":
    return relocations_to_trajectory(fixes(("A",), count=120, seed=seed, speed=speed))


def areas(trajectory: "GeoDataFrame") -> list[float]:
    density = calculate_time_density(trajectory, 250.0, percentiles=LEVELS)
    assert list(density["percentile"]) == [95.0, 50.0]
    return list(density["area_sqkm"])


@pytest.mark.parametrize("seed", [7, 11, 23])
def test_areas_are_those_of_ecoscope_called_directly(seed: int) -> None:
    trajectory = track(seed)
    expected = areas_of_ecoscope(trajectory, LEVELS)
    assert areas(trajectory) == pytest.approx(expected, rel=1e-9)
    assert expected[0] > expected[1] > 1


def test_the_range_of_a_subject_does_not_depend_on_those_calculated_before() -> None:
    tracks = {"a": track(7), "b": track(11, 120.0), "c": track(23, 250.0)}
    alone = {name: areas(trajectory) for name, trajectory in tracks.items()}
    for order in permutations(tracks):
        assert {name: areas(tracks[name]) for name in order} == alone
    # A control: the fit that ecoscope's default argument would keep gives other areas.
    assert len({tuple(values) for values in alone.values()}) == 3


def test_both_names_give_the_same_range_with_the_same_settings() -> None:
    trajectory = track(7)
    ours = calculate_elliptical_time_density(
        trajectory,
        CustomGridCellSize(grid_cell_size=250.0),
        crs="ESRI:102022",
        expansion_factor=1.3,
        percentiles=LEVELS,
    )
    assert list(ours["area_sqkm"]) == areas(trajectory)
    scaled = calculate_elliptical_time_density(trajectory, crs="ESRI:102022", percentiles=LEVELS)
    assert list(scaled["area_sqkm"]) == pytest.approx(areas(trajectory), rel=0.5)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2277", "nonsense"])
def test_a_crs_that_is_not_in_metres_is_refused(crs: str) -> None:
    with pytest.raises(TaskError) as caught:
        calculate_time_density(track(7), 250.0, crs=crs)
    assert caught.value.parameter == "crs"


def test_too_few_segments_are_refused() -> None:
    with pytest.raises(TaskError, match="too few for a time density"):
        calculate_time_density(track(7).head(1), 250.0)


@pytest.mark.parametrize(
    ("size", "rule"), [(500_000.0, "pixels of 500,000 m are too large"), (0.1, "pixels, which")]
)
def test_pixels_of_a_wrong_size_are_refused_by_the_name_of_their_parameter(size: float, rule: str) -> None:
    with pytest.raises(TaskError, match=rule) as caught:
        calculate_time_density(track(7), size)
    assert caught.value.parameter == "pixel_size"
    cells = CustomGridCellSize(grid_cell_size=size)
    with pytest.raises(TaskError, match=rule) as caught:
        calculate_elliptical_time_density(track(7), cells, crs="ESRI:102022")
    assert caught.value.parameter == "auto_scale_or_custom_cell_size"


def test_a_crs_whose_edge_cuts_the_track_is_refused_and_another_gives_the_range() -> None:
    # Across the antimeridian, near Fiji.
    import geopandas as gpd

    moved = fixes(("A",), count=120)
    x, y = moved.geometry.x + 143.1, moved.geometry.y - 16
    moved["geometry"] = gpd.points_from_xy((x + 180) % 360 - 180, y, crs="EPSG:4326")
    bounds = moved.total_bounds
    assert (bounds[0] < -179.9, bounds[2] > 179.9) == (True, True)
    trajectory = relocations_to_trajectory(moved)
    with pytest.raises(TaskError, match="times as long in EPSG:6933 as on the ground") as caught:
        calculate_time_density(trajectory, 40_000.0, crs="EPSG:6933")
    assert caught.value.parameter == "crs"
    here = calculate_time_density(trajectory, 250.0, crs="EPSG:32701", percentiles=LEVELS)["area_sqkm"]
    there = calculate_time_density(track(7), 250.0, crs="EPSG:32737", percentiles=LEVELS)["area_sqkm"]
    assert list(here) == pytest.approx(list(there), rel=0.1)


@pytest.mark.parametrize("shape", [0.6, 1.0, 1.7, 3.0, 8.0, 30.0])
def test_expected_densities_are_the_integrals(shape: float) -> None:
    import numpy as np
    from scipy.integrate import simpson

    scale, top = 20.0, 61.0
    speeds = np.array([0.001, 0.02, 0.7, 5.0, 19.0, 21.0, 40.0, 60.9])

    def integral(speed: float) -> float:
        t = np.linspace(0, np.arccosh(top / speed), 200_001)
        s = speed * np.cosh(t)
        return float(simpson(np.exp(-((s / scale) ** shape)) * s ** (shape - 2), x=t))

    expected = [4 * shape * scale**-shape / math.pi * integral(speed) for speed in speeds]
    found = expected_densities(speeds, shape, scale, top)
    assert list(found) == pytest.approx(expected, rel=1e-9, abs=max(expected) * 1e-12)


def test_blocks_of_speeds_give_what_each_speed_gives() -> None:
    import numpy as np

    speeds = np.arange(1, 2 * BLOCK + 10) / 1000
    found = expected_densities(speeds, 1.7, 20.0, 101.0)
    some = [0, BLOCK - 1, BLOCK, 2 * BLOCK, len(speeds) - 1]
    assert list(found[some]) == pytest.approx(
        list(expected_densities(speeds[some], 1.7, 20.0, 101.0)), rel=1e-12
    )


def test_the_raster_is_that_of_ecoscope(tmp_path: Path) -> None:
    import numpy as np
    import rasterio
    from ecoscope.analysis.UD import calculate_etd_range
    from ecoscope.analysis.UD.etd_range import Weibull2Parameter
    from ecoscope.io.raster import RasterProfile

    segments = track(7).sort_values("segment_start", kind="stable")
    top = 1.05 * float(segments["speed_kmhr"].max())

    def profile() -> RasterProfile:
        return RasterProfile(pixel_size=250.0, crs="ESRI:102022", nodata_value=0.0, band_count=1)

    calculate_etd_range(
        segments,
        tmp_path / "theirs.tif",
        max_speed_kmhr=top,
        raster_profile=profile(),
        weibull_pdf=Weibull2Parameter(),
    )
    with rasterio.open(tmp_path / "theirs.tif") as raster:
        theirs = raster.read(1)
    ours = elliptical_density(segments, profile(), top_speed=top, expansion=1.3)
    assert ours.sum() == pytest.approx(1, rel=1e-12)
    # An adaptive rule is exact to about eight digits.
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12)
