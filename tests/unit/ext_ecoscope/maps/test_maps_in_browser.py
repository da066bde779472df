"""Maps in a real browser that can reach no other machine: they are drawn without a request or a complaint."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowlock_core.page import render_page
from flowlock_core.results import Chart, Width
from flowlock_core.tasks.results import create_plot_widget, gather_dashboard
from flowlock_ext_ecoscope.maps.draw import draw_ecomap
from flowlock_ext_ecoscope.maps.layers import create_point_layer, create_polygon_layer, create_polyline_layer
from flowlock_ext_ecoscope.maps.styles import PointLayerStyle, PolygonLayerStyle, PolylineLayerStyle
from servers.offline_pages import opened

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 160, 0)
LAND, WATER = (246, 244, 236), (223, 236, 243)
DARK_LAND, DARK_WATER = (38, 51, 63), (18, 32, 43)


def page_of(chart: Chart, folder: Path) -> Path:
    widget = create_plot_widget(chart, title="Map", width=Width.FULL)
    page = folder / "a påge.html"
    page.write_text(render_page(gather_dashboard("Page", [widget])), encoding="utf-8")
    return page


def table(*shapes: object) -> "GeoDataFrame":
    import geopandas as gpd

    return gpd.GeoDataFrame(geometry=list(shapes), crs="EPSG:4326")


def coast(vertices: int = 2) -> Chart:
    """Return a map of the Gulf of Guinea: a square with a hole, a line and a point."""
    import numpy as np
    import shapely

    ring = shapely.box(0, 0, 4, 4).difference(shapely.box(1, 1, 3, 3))
    steps = np.linspace(0, 1, vertices)
    return draw_ecomap(
        [
            create_polygon_layer(table(ring), PolygonLayerStyle(get_fill_color="#ff0000"), name="Square"),
            create_polyline_layer(
                table(shapely.LineString(zip(steps * 4 + 5, steps * 8 - 2, strict=True))),
                PolylineLayerStyle(get_color=[0, 0, 255], get_width=4),
                name="Line",
            ),
            create_point_layer(
                table(shapely.Point(6, 4)),
                PointLayerStyle(get_fill_color="#00a000", get_radius=8),
                name="Point",
            ),
        ],
        title="Gulf",
    )


@pytest.mark.parametrize("vertices", [2, 60_000], ids=["with plotly", "with deck.gl"])
def test_layers_land_and_water_are_drawn_without_a_request_or_a_complaint(
    vertices: int, tmp_path: Path
) -> None:
    shown = opened(page_of(coast(vertices), tmp_path), (RED, BLUE, GREEN, LAND, WATER))
    assert shown.complaints == ()
    for color, least in ((RED, 3000), (BLUE, 500), (GREEN, 100), (LAND, 50_000), (WATER, 50_000)):
        assert shown.pixels[color] > least, color


def test_a_map_of_many_vertices_is_drawn_on_a_dark_and_narrow_page(tmp_path: Path) -> None:
    colors = (RED, BLUE, DARK_LAND, DARK_WATER)
    shown = opened(page_of(coast(60_000), tmp_path), colors, dark=True, size=(500, 800))
    assert shown.complaints == ()
    for color, least in ((RED, 3000), (BLUE, 500), (DARK_LAND, 10_000), (DARK_WATER, 10_000)):
        assert shown.pixels[color] > least, color


def test_a_dark_page_has_dark_land_and_the_same_layers(tmp_path: Path) -> None:
    shown = opened(page_of(coast(), tmp_path), (RED, DARK_LAND, DARK_WATER), dark=True)
    assert shown.complaints == ()
    assert shown.pixels[DARK_LAND] > 50_000
    assert shown.pixels[DARK_WATER] > 50_000
    assert shown.pixels[RED] > 3000


def test_a_polygon_is_filled_inside_and_the_hole_is_not(tmp_path: Path) -> None:
    import shapely

    style = PolygonLayerStyle(get_fill_color="#ff0000", get_line_width=0)
    whole = draw_ecomap(create_polygon_layer(table(shapely.box(0, 0, 4, 4)), style))
    ring = shapely.box(0, 0, 4, 4).difference(shapely.box(1, 1, 3, 3))
    pierced = draw_ecomap(create_polygon_layer(table(ring), style))
    pixels = []
    for name, chart in (("whole", whole), ("pierced", pierced)):
        folder = tmp_path / name
        folder.mkdir()
        pixels.append(opened(page_of(chart, folder), [RED]).pixels[RED])
    # A quarter of the square is the hole; the rest of the globe is not red.
    assert pixels[1] / pixels[0] == pytest.approx(0.75, abs=0.05)
    assert pixels[0] < 300_000


@pytest.mark.parametrize(
    "track",
    [
        [(178, -17), (-178, -16)],
        [(10, 78), (30, 80)],
        [(-170, -60), (170, 60)],
        [(36.9, -1.1), (36.903, -1.1)],
    ],
    ids=["across the antimeridian", "in the north", "around the globe", "of 300 metres"],
)
def test_tracks_anywhere_are_drawn(track: list[tuple[float, float]], tmp_path: Path) -> None:
    import shapely

    style = PolylineLayerStyle(get_color="#0000ff", get_width=4)
    layer = create_polyline_layer(table(shapely.LineString(track)), style)
    shown = opened(page_of(draw_ecomap(layer), tmp_path), [BLUE])
    assert shown.complaints == ()
    assert shown.pixels[BLUE] > 500
