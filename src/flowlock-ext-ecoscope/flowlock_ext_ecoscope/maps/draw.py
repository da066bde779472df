"""Tasks that draw maps of layers."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.execute.skip import Skipped
from flowlock_core.results import Chart, ChartRuntime
from flowlock_core.task import task
from flowlock_ext_ecoscope.maps.figure import map_figure
from flowlock_ext_ecoscope.maps.layers import LayerDefinition
from flowlock_ext_ecoscope.maps.styles import LegendStyle, NorthArrowStyle, TileLayer
from flowlock_ext_ecoscope.runtime import LARGE_MAP, MAP

GeoLayers: TypeAlias = Annotated[
    LayerDefinition | Sequence[LayerDefinition | Skipped],
    Field(title="Layers", description="The layers, from bottom to top; skipped ones are left out."),
]
TileLayers: TypeAlias = Annotated[
    list[TileLayer],
    Field(title="Basemaps", description="Not drawn: a page needs no network. Land outlines are below."),
]
Static: TypeAlias = Annotated[
    bool, Field(title="Static", description="Whether the map cannot be moved and zoomed.")
]
Title: TypeAlias = Annotated[str, Field(title="Title", description="Says what the map shows.")]
NorthArrow: TypeAlias = Annotated[
    NorthArrowStyle | None, Field(title="North arrow", description="Where it is; none if empty.")
]
LegendPlace: TypeAlias = Annotated[
    LegendStyle | None, Field(title="Legend", description="Where it is and its title.")
]
MaxZoom: TypeAlias = Annotated[
    int, Field(title="Greatest zoom", description="Maps show all layers: this has no effect.")
]
WidgetId: TypeAlias = Annotated[
    str | None, Field(title="Widget", description="The name of the card; this has no effect.")
]
NO_TILES: list[TileLayer] = []
# Beyond them, plotly's SVG is slow to draw and to move, and deck.gl draws with WebGL.
VERTICES_OF_PLOTLY = 50_000
ARROW, LEGEND = NorthArrowStyle(), LegendStyle()


@task
def draw_ecomap(
    geo_layers: GeoLayers,
    tile_layers: TileLayers = NO_TILES,
    *,
    static: Static = False,
    title: Title = "",
    north_arrow_style: NorthArrow = ARROW,
    legend_style: LegendPlace = LEGEND,
    max_zoom: MaxZoom = 20,
    widget_id: WidgetId = None,
) -> Chart:
    """Draw a map of layers that needs no network, with land outlines, a scale bar, a north arrow, a legend.

    The outlines are of Natural Earth, in the public domain.
    """
    del tile_layers, max_zoom, widget_id
    return _map(geo_layers, static=static, title=title, arrow=north_arrow_style, legend=legend_style)


@task
def draw_map(
    geo_layers: GeoLayers,
    tile_layers: TileLayers = NO_TILES,
    *,
    static: Static = False,
    title: Title = "",
    legend_style: LegendPlace = LEGEND,
    max_zoom: MaxZoom = 20,
    widget_id: WidgetId = None,
) -> Chart:
    """Draw a map of layers, as draw_ecomap does."""
    del tile_layers, max_zoom, widget_id
    return _map(geo_layers, static=static, title=title, arrow=ARROW, legend=legend_style)


def _map(
    geo_layers: LayerDefinition | Sequence[LayerDefinition | Skipped],
    *,
    static: bool,
    title: str,
    arrow: NorthArrowStyle | None,
    legend: LegendStyle | None,
) -> Chart:
    every = [geo_layers] if isinstance(geo_layers, LayerDefinition) else geo_layers
    layers = [layer for layer in every if isinstance(layer, LayerDefinition) and len(layer.geodataframe)]
    if not layers:
        raise TaskError(
            "there is nothing on the map: all layers are empty or were skipped",
            parameter="geo_layers",
            hint="skip the step with `any_is_empty_df` of the steps before it",
        )
    figure = map_figure(layers)
    figure["layout"]["meta"] |= {
        "static": static,
        "north": arrow.placement.value if arrow else None,
        "legend": legend.placement.value if legend else None,
    }
    if legend and legend.title:
        figure["layout"]["legend"] = {"title": {"text": legend.title}}
    return Chart(figure=figure, runtime=_runtime_for(layers), description=_description(layers, title))


def _runtime_for(layers: Sequence[LayerDefinition]) -> ChartRuntime:
    import shapely

    counts = [shapely.get_num_coordinates(layer.geodataframe.geometry.array).sum() for layer in layers]
    return LARGE_MAP if sum(counts) > VERTICES_OF_PLOTLY else MAP


def _description(layers: Sequence[LayerDefinition], title: str) -> str:
    words = {"point": "points", "polyline": "lines", "polygon": "polygons"}
    parts: list[Any] = []
    for layer in layers:
        named = f" ({layer.name})" if layer.name else ""
        parts.append(f"{len(layer.geodataframe):,} {words[layer.style.layer_type]}{named}")
    return f"{title or 'A map'}: {', '.join(parts)}."
