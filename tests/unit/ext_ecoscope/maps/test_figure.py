"""From layers to figures: what is drawn, in which colours, under which name."""

from typing import TYPE_CHECKING, Any

import pytest

from flowlock_core.errors import TaskError
from flowlock_core.execute.skip import SKIPPED
from flowlock_core.results import Chart
from flowlock_ext_ecoscope.maps.draw import draw_ecomap, draw_map
from flowlock_ext_ecoscope.maps.layers import (
    create_map_layer,
    create_point_layer,
    create_polygon_layer,
    create_polyline_layer,
)
from flowlock_ext_ecoscope.maps.styles import (
    LegendDefinition,
    NorthArrowStyle,
    Placement,
    PointLayerStyle,
    PolylineLayerStyle,
)
from tracks import events

if TYPE_CHECKING:
    from geopandas import GeoDataFrame


def layers_of(chart: Chart) -> list[dict[str, Any]]:
    """Return the traces of the layers."""
    return [trace for trace in chart.figure["data"] if trace["meta"]["role"] != "first"]


def lines(*tracks: list[tuple[float, float]], **columns: list[Any]) -> "GeoDataFrame":
    import geopandas as gpd
    import shapely

    return gpd.GeoDataFrame(
        columns, geometry=[shapely.LineString(track) for track in tracks], crs="EPSG:4326"
    )


def test_the_first_trace_is_an_empty_scattergeo() -> None:
    first, *others = draw_ecomap(create_point_layer(events(5))).figure["data"]
    assert (first["type"], first["lon"]) == ("scattergeo", [None])
    assert len(others) == 1


def test_a_legend_of_lists_is_in_their_order() -> None:
    table = events(3).assign(night=["#000000", "#ffffff", "#000000"])
    legend = LegendDefinition(labels=["Day", "Dusk", "Night"], colors=["#ffffff", "#888888", "#000000"])
    layer = create_point_layer(table, PointLayerStyle(fill_color_column="night"), legend)
    assert [trace["name"] for trace in layers_of(draw_ecomap(layer))] == ["Day", "Night"]


def test_exterior_rings_are_clockwise_and_holes_the_other_way() -> None:
    import geopandas as gpd
    import shapely

    ring = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    squares = gpd.GeoDataFrame(geometry=[ring], crs="EPSG:4326")
    (trace,) = layers_of(draw_ecomap(create_polygon_layer(squares)))
    exterior, hole = trace["geojson"]["features"][0]["geometry"]["coordinates"]
    assert not shapely.LinearRing(exterior).is_ccw
    assert shapely.LinearRing(hole).is_ccw


def test_each_colour_of_a_legend_is_a_trace_in_the_order_of_the_labels() -> None:
    table = events(9).assign(kind=list("cabcabcab"), color=["#0000ff", "#ff0000", "#00ff00"] * 3)
    legend = LegendDefinition(title="Kind", label_column="kind", color_column="color")
    layer = create_map_layer(
        table, PointLayerStyle(fill_color_column="color"), legend, tooltip_columns=["kind"]
    )
    traces = layers_of(draw_ecomap([layer]))
    assert [trace["name"] for trace in traces] == ["a", "b", "c"]
    assert [trace["marker"]["color"] for trace in traces] == ["#ff0000", "#00ff00", "#0000ff"]
    assert [len(trace["lon"]) for trace in traces] == [3, 3, 3]
    assert traces[0]["legendgrouptitle"] == {"text": "Kind"}
    assert traces[0]["text"] == ["Kind: a"] * 3


def test_rows_without_a_colour_are_not_drawn() -> None:
    table = events(3).assign(color=["#ff0000", None, "#ff0000"])
    (trace,) = layers_of(draw_ecomap(create_point_layer(table, PointLayerStyle(fill_color_column="color"))))
    assert len(trace["lon"]) == 2


def test_lines_are_separated_and_each_point_has_the_text_of_its_line() -> None:
    table = lines([(0, 0), (1, 1)], [(5, 5), (6, 6), (7, 7)], name=["<b>", "b"])
    (trace,) = layers_of(draw_ecomap(create_polyline_layer(table, tooltip_columns=["name"])))
    assert trace["lon"] == [0, 1, None, 5, 6, 7]
    assert trace["text"] == ["Name: &lt;b&gt;"] * 3 + ["Name: b"] * 3


def test_what_crosses_the_antimeridian_continues_beyond_it() -> None:
    table = lines([(179, -17), (-179, -16)], [(-178, -16), (-177, -15)])
    chart = draw_ecomap(create_polyline_layer(table))
    (trace,) = layers_of(chart)
    assert trace["lon"] == [179, 181, None, 182, 183]
    west, _, east, _ = chart.figure["layout"]["meta"]["bounds"]
    assert 178 < west < 179
    assert 183 < east < 184


def test_a_map_shows_the_layers_that_are_zoomed_to_whole_and_without_any_all() -> None:
    near, far = lines([(36, 0), (37, 1)]), lines([(-60, -50), (-61, -51)])
    both = draw_ecomap([create_polyline_layer(near), create_polyline_layer(far)])
    zoomed = draw_ecomap([create_polyline_layer(near, zoom=True), create_polyline_layer(far)])
    assert both.figure["layout"]["meta"]["bounds"][0] < -60
    bounds = zoomed.figure["layout"]["meta"]["bounds"]
    assert bounds == pytest.approx([35.925, -0.075, 37.075, 1.075])


@pytest.mark.parametrize(("vertices", "runtime"), [(50_000, "plotly-map"), (50_001, "deck-map")])
def test_a_map_of_more_than_fifty_thousand_vertices_is_drawn_by_deck(vertices: int, runtime: str) -> None:
    track = [(36 + number / 1e5, 0.0) for number in range(vertices - 2)]
    chart = draw_ecomap(
        [create_polyline_layer(lines(track)), create_polyline_layer(lines([(36, 0), (37, 1)]))]
    )
    assert chart.runtime.name == runtime


def test_layers_in_other_crs_are_drawn_where_they_are() -> None:
    points = events(4)
    (here,) = layers_of(draw_ecomap(create_point_layer(points)))
    (projected,) = layers_of(draw_ecomap(create_point_layer(points.to_crs(32737))))
    assert projected["lon"] == pytest.approx(here["lon"], abs=2e-5)


def test_the_corner_of_the_north_arrow_is_a_choice() -> None:
    layer = create_point_layer(events(2))
    arrow = NorthArrowStyle(placement=Placement.TOP_RIGHT)
    assert draw_ecomap(layer, north_arrow_style=arrow).figure["layout"]["meta"]["north"] == "top-right"
    assert draw_ecomap(layer, north_arrow_style=None).figure["layout"]["meta"]["north"] is None


def test_skipped_and_empty_layers_are_left_out_and_without_any_there_is_no_map() -> None:
    layer = create_point_layer(events(2), name="Events")
    chart = draw_map([SKIPPED, layer, create_point_layer(events(0))], title="Park")
    assert len(layers_of(chart)) == 1
    assert chart.description == "Park: 2 points (Events)."
    with pytest.raises(TaskError, match="nothing on the map"):
        draw_map([create_point_layer(events(0)), SKIPPED])


def test_a_style_must_fit_the_geometry_and_columns_must_exist() -> None:
    with pytest.raises(TaskError, match="a polyline layer cannot show Point"):
        create_map_layer(events(2), PolylineLayerStyle())
    with pytest.raises(TaskError, match="column `colour` does not exist"):
        create_point_layer(events(2), PointLayerStyle(fill_color_column="colour"))
    with pytest.raises(TaskError, match="column `kind` does not exist"):
        create_point_layer(events(2), legend=LegendDefinition(label_column="kind"))
