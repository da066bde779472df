"""Tasks that make the layers of maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import Wired
from flowlock_ext_ecoscope.geometry import require_crs, require_degrees_in_range
from flowlock_ext_ecoscope.maps.styles import (
    LayerStyle,
    LegendDefinition,
    PointLayerStyle,
    PolygonLayerStyle,
    PolylineLayerStyle,
)
from flowlock_ext_ecoscope.types import GeoDataFrame

GEOMETRIES = {
    "point": {"Point", "MultiPoint"},
    "polyline": {"LineString", "MultiLineString"},
    "polygon": {"Polygon", "MultiPolygon"},
}

POLYLINES, POLYGONS, POINTS = PolylineLayerStyle(), PolygonLayerStyle(), PointLayerStyle()


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerDefinition(Wired):
    """One layer of a map: rows with a geometry, and how they are drawn."""

    phrase: ClassVar[str] = "a layer of a map"

    geodataframe: GeoDataFrame
    style: PolylineLayerStyle | PolygonLayerStyle | PointLayerStyle
    legend: LegendDefinition | None = None
    tooltip_columns: tuple[str, ...] = ()
    name: str = ""
    zoom: bool = False


Features: TypeAlias = Annotated[
    GeoDataFrame, Field(title="Features", description="The rows to draw; those without a geometry are not.")
]
Lines: TypeAlias = Annotated[PolylineLayerStyle, Field(title="Style", description="How the lines are drawn.")]
Polygons: TypeAlias = Annotated[
    PolygonLayerStyle, Field(title="Style", description="How the polygons are drawn.")
]
Points: TypeAlias = Annotated[PointLayerStyle, Field(title="Style", description="How the points are drawn.")]
Legend: TypeAlias = Annotated[
    LegendDefinition | None,
    Field(title="Legend", description="Its entries; without one, the layer's name is the only entry."),
]
Tooltips: TypeAlias = Annotated[
    list[str] | None,
    Field(title="Tooltips", description="The columns whose values are shown under the pointer."),
]
Name: TypeAlias = Annotated[
    str, Field(title="Name", description="What the legend calls the layer; it can be switched off there.")
]
Zoom: TypeAlias = Annotated[
    bool, Field(title="Zoom", description="Whether the map shows this layer whole, not all layers.")
]


@task
def create_map_layer(
    geodataframe: Features,
    layer_style: LayerStyle,
    legend: Legend = None,
    *,
    tooltip_columns: Tooltips = None,
    name: Name = "",
) -> LayerDefinition:
    """Make a layer of a map: lines, polygons or points in the given style."""
    return _layer(geodataframe, layer_style, legend, tooltip_columns, name)


@task
def create_polyline_layer(
    geodataframe: Features,
    layer_style: Lines = POLYLINES,
    legend: Legend = None,
    *,
    tooltip_columns: Tooltips = None,
    zoom: Zoom = False,
    name: Name = "",
) -> LayerDefinition:
    """Make a layer of lines."""
    return _layer(geodataframe, layer_style, legend, tooltip_columns, name, zoom=zoom)


@task
def create_polygon_layer(
    geodataframe: Features,
    layer_style: Polygons = POLYGONS,
    legend: Legend = None,
    *,
    tooltip_columns: Tooltips = None,
    zoom: Zoom = False,
    name: Name = "",
) -> LayerDefinition:
    """Make a layer of polygons."""
    return _layer(geodataframe, layer_style, legend, tooltip_columns, name, zoom=zoom)


@task
def create_point_layer(
    geodataframe: Features,
    layer_style: Points = POINTS,
    legend: Legend = None,
    *,
    tooltip_columns: Tooltips = None,
    zoom: Zoom = False,
    name: Name = "",
) -> LayerDefinition:
    """Make a layer of points."""
    return _layer(geodataframe, layer_style, legend, tooltip_columns, name, zoom=zoom)


def color_column_of(style: PolylineLayerStyle | PolygonLayerStyle | PointLayerStyle) -> str | None:
    """Return the column that has the colour of each row, if there is one."""
    return style.color_column if isinstance(style, PolylineLayerStyle) else style.fill_color_column


def _layer(
    gdf: GeoDataFrame,
    style: PolylineLayerStyle | PolygonLayerStyle | PointLayerStyle,
    legend: LegendDefinition | None,
    tooltips: Sequence[str] | None,
    name: str,
    *,
    zoom: bool = False,
) -> LayerDefinition:
    require_crs(gdf, "geodataframe")
    require_degrees_in_range(gdf, "geodataframe")
    present = gdf[gdf.geometry.notna() & ~gdf.geometry.is_empty]
    others = set(present.geometry.geom_type) - GEOMETRIES[style.layer_type]
    if others:
        raise TaskError(
            f"a {style.layer_type} layer cannot show {', '.join(sorted(others))}",
            parameter="geodataframe",
            hint="choose the style that fits the geometry",
        )
    if column := color_column_of(style):
        require_columns(present, [column], "layer_style")
    if legend is not None:
        columns = (legend.label_column, legend.color_column)
        require_columns(present, [column for column in columns if column], "legend")
    require_columns(present, tooltips or [], "tooltip_columns")
    return LayerDefinition(
        geodataframe=present,
        style=style,
        legend=legend,
        tooltip_columns=tuple(tooltips or ()),
        name=name,
        zoom=zoom,
    )
