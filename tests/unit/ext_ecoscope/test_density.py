"""Grids, and what is in their cells."""

import pytest

from flowlock_core.errors import TaskError
from flowlock_ext_ecoscope.density import AutoScaleGridCellSize, calculate_feature_density, create_meshgrid
from flowlock_ext_ecoscope.relocations import relocations_to_trajectory
from tracks import events, fixes


@pytest.mark.parametrize("count", [1, 200, 5000])
def test_every_point_is_counted_once(count: int) -> None:
    points = events(count)
    grid = create_meshgrid(points, 5000, 5000)
    density = calculate_feature_density(points, grid, "point")
    assert density["density"].sum() == count
    assert "density" not in grid.columns


def test_points_on_borders_and_corners_of_cells_are_counted_once() -> None:
    import geopandas as gpd

    x, y = [500_000, 505_000, 510_000, 502_500], [0, 5000, 10_000, 5000]
    corners = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y, crs="EPSG:32637"))
    density = calculate_feature_density(corners, create_meshgrid(corners, 5000, 5000), "point")
    assert density["density"].sum() == 4


def test_lengths_in_cells_add_up_to_those_of_the_lines() -> None:
    lines = relocations_to_trajectory(fixes())
    grid = create_meshgrid(lines, 2000, 2000)
    density = calculate_feature_density(lines, grid, "line")
    assert density["density"].sum() == pytest.approx(lines.to_crs(grid.crs).length.sum(), rel=1e-6)
    assert density["density"].isna().any()


def test_a_line_along_the_border_of_cells_is_not_counted_twice() -> None:
    import geopandas as gpd
    import shapely

    line = gpd.GeoDataFrame(
        geometry=[shapely.LineString([(500_000, 5000), (509_000, 5000)])], crs="EPSG:32637"
    )
    around = gpd.GeoDataFrame(geometry=[shapely.box(500_000, 0, 509_000, 9000)], crs="EPSG:32637")
    density = calculate_feature_density(line, create_meshgrid(around, 5000, 5000), "line")
    assert density["density"].sum() == pytest.approx(9000, rel=1e-12)


def test_a_column_can_be_added_up_instead() -> None:
    points = events(50).assign(animals=range(50))
    density = calculate_feature_density(points, create_meshgrid(points), "point", sum_column="animals")
    assert density["density"].sum() == sum(range(50))


def test_a_grid_across_the_antimeridian_is_small() -> None:
    import geopandas as gpd

    islands = gpd.GeoDataFrame(geometry=gpd.points_from_xy([179.0, -179.0], [-17.0, -16.0], crs="EPSG:4326"))
    grid = create_meshgrid(islands, 10_000, 10_000)
    assert len(grid) < 600
    assert calculate_feature_density(islands, grid, "point")["density"].sum() == 2


def test_a_wide_area_is_in_an_equal_area_projection_and_a_small_one_in_its_zone() -> None:
    import geopandas as gpd

    ocean = gpd.GeoDataFrame(geometry=gpd.points_from_xy([-90.0, -10.0], [10.0, 60.0], crs="EPSG:4326"))
    grid = create_meshgrid(ocean, auto_scale_or_custom_cell_size=AutoScaleGridCellSize())
    assert "Lambert Azimuthal Equal Area" in grid.crs.to_wkt()
    assert calculate_feature_density(ocean, grid, "point")["density"].sum() == 2
    assert create_meshgrid(events(20)).crs.to_epsg() == 32737


def test_cells_in_degrees_and_too_many_cells_are_refused() -> None:
    points = events(20)
    with pytest.raises(TaskError, match="not in metres"):
        calculate_feature_density(points, create_meshgrid(points).to_crs(4326), "point")
    with pytest.raises(TaskError, match="cells, which is more than"):
        create_meshgrid(points, 1, 1)
    with pytest.raises(TaskError, match="nothing to cover"):
        create_meshgrid(points.head(0))
