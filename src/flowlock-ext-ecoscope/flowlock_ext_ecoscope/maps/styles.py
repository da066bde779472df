"""How layers, legends and maps look: the settings of the tasks that make them."""

from enum import Enum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Color: TypeAlias = Annotated[
    str | list[int] | None,
    Field(title="Colour", description="As #rrggbb or a list of red, green and blue from 0 to 255."),
]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _LayerStyle(_Settings):
    """What all layers have; other settings of the map library of ecoscope-workflows are ignored."""

    opacity: Annotated[float, Field(title="Opacity", description="From 0 to 1.", ge=0, le=1)] = 1
    pickable: Annotated[bool, Field(title="Tooltips", description="Show values under the pointer.")] = True


class PolylineLayerStyle(_LayerStyle):
    """How lines are drawn."""

    layer_type: Literal["polyline"] = "polyline"
    get_color: Color = None
    get_width: Annotated[float, Field(title="Width", description="In pixels.", gt=0)] = 2
    color_column: Annotated[
        str | None, Field(title="Colour column", description="The column of colours.")
    ] = None


class _ShapeLayerStyle(_LayerStyle):
    """How points and polygons are drawn."""

    filled: Annotated[bool, Field(title="Filled", description="Fill the shapes.")] = True
    get_fill_color: Color = None
    fill_color_column: Annotated[
        str | None, Field(title="Colour column", description="The column of colours.")
    ] = None
    get_line_color: Color = None
    get_line_width: Annotated[float, Field(title="Line width", description="In pixels.", ge=0)] = 1


class PolygonLayerStyle(_ShapeLayerStyle):
    """How polygons are drawn."""

    layer_type: Literal["polygon"] = "polygon"


class PointLayerStyle(_ShapeLayerStyle):
    """How points are drawn."""

    layer_type: Literal["point"] = "point"
    get_radius: Annotated[float, Field(title="Radius", description="In pixels.", gt=0)] = 4


LayerStyle: TypeAlias = Annotated[
    PolylineLayerStyle | PolygonLayerStyle | PointLayerStyle,
    Field(title="Style", description="How the layer is drawn.", discriminator="layer_type"),
]


class LegendDefinition(_Settings):
    """Entries of a legend: from columns of labels and colours, or as two lists."""

    title: Annotated[str, Field(title="Title", description="Above the entries; may be empty.")] = ""
    label_column: Annotated[str | None, Field(title="Label column", description="The column of labels.")] = (
        None
    )
    color_column: Annotated[
        str | None, Field(title="Colour column", description="The column of the labels' colours.")
    ] = None
    sort: Annotated[
        Literal["ascending", "descending"],
        Field(title="Order", description="Of the labels, and from bottom to top on the map."),
    ] = "ascending"
    labels: Annotated[
        list[str] | None, Field(title="Labels", description="The labels, one for each colour.")
    ] = None
    colors: Annotated[list[str] | None, Field(title="Colours", description="One for each label.")] = None


class Placement(Enum):
    """A corner of a map."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"
    FILL = "fill"


class NorthArrowStyle(_Settings):
    """Where the north arrow is."""

    placement: Annotated[Placement, Field(title="Placement", description="A corner.")] = Placement.TOP_LEFT


class LegendStyle(_Settings):
    """How the legend looks."""

    title: Annotated[str, Field(title="Title", description="Above the legend; may be empty.")] = ""
    placement: Annotated[Placement, Field(title="Placement", description="A corner.")] = (
        Placement.BOTTOM_RIGHT
    )


class TileLayer(_Settings):
    """A basemap. It is accepted because specs name it, and not drawn: pages need no network."""

    layer_name: Annotated[str, Field(title="Name", description="The basemap's name.")] = ""
    url: Annotated[str, Field(title="URL", description="The basemap's address.")] = ""
    opacity: Annotated[float, Field(title="Opacity", description="From 0 to 1.", ge=0, le=1)] = 1
