"""From layers to a figure of plotly: scattergeo and choropleth traces, without a basemap."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, assert_never

from flowlock_core.plotly import checked_figure
from flowlock_core.tables import cells_of
from flowlock_core.task import humanised
from flowlock_ext_ecoscope.geometry import WGS84, longitudes
from flowlock_ext_ecoscope.maps.layers import LayerDefinition, color_column_of
from flowlock_ext_ecoscope.maps.styles import PointLayerStyle, PolygonLayerStyle, PolylineLayerStyle

if TYPE_CHECKING:
    import numpy as np

    from flowlock_ext_ecoscope.types import GeoDataFrame

DASH = "\N{EN DASH}"
# A metre.
_DIGITS = 5
_TURN, _HALF_TURN = 360, 180
# What a view is larger than what is in it, and the least width of one, in degrees.
_MARGIN, _LEAST_WIDTH = 1.15, 0.005
# Beyond it, Mercator's projection is not drawn.
_LAST_LATITUDE = 84.0
# The greatest value of a colour's part.
_FULL = 255
_HOLLOW = "rgba(0,0,0,0)"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """The rows of a layer in one colour, None for the page's own."""

    color: str | None
    label: str
    rows: "GeoDataFrame"


def map_figure(layers: Sequence[LayerDefinition]) -> dict[str, Any]:
    """Return traces and layout as JSON, without a template; `layout.meta` has what plotly does not draw."""
    import geopandas as gpd
    import pandas as pd

    places = [layer.geodataframe.geometry.to_crs(WGS84) for layer in layers]
    zoomed = [place for layer, place in zip(layers, places, strict=True) if layer.zoom]
    shown = gpd.GeoSeries(pd.concat(zoomed or places, ignore_index=True), crs=WGS84)
    west, east = longitudes(shown)
    south, north = float(shown.bounds.miny.min()), float(shown.bounds.maxy.max())
    # Some geometry lies beyond the antimeridian: it continues there.
    turned = east > _HALF_TURN
    # A choropleth without a scattergeo before it would ask the network for land: the first is empty. The
    # page puts its own land behind it.
    traces = [
        {"type": "scattergeo", "lon": [None], "lat": [None], "showlegend": False, "meta": {"role": "first"}}
    ]
    for number, (layer, geometry) in enumerate(zip(layers, places, strict=True)):
        traces += _traces(layer, geometry.transform(_beyond) if turned else geometry, number)
    layout = {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "showlegend": any(trace["showlegend"] for trace in traces),
        "geo": {"visible": False, "projection": {"type": "mercator"}},
        "meta": {"bounds": _with_margin(west, south, east, north)},
    }
    return checked_figure(traces, layout)


def _beyond(points: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Continue western longitudes beyond 180."""
    import numpy as np

    turned: np.ndarray[Any, Any] = points + np.outer(points[:, 0] < 0, [_TURN, 0])
    return turned


def _with_margin(west: float, south: float, east: float, north: float) -> list[float]:
    width = max((east - west) * _MARGIN, _LEAST_WIDTH)
    height = max((north - south) * _MARGIN, _LEAST_WIDTH)
    x, y = (west + east) / 2, (south + north) / 2
    return [
        x - width / 2,
        max(y - height / 2, -_LAST_LATITUDE),
        x + width / 2,
        min(y + height / 2, _LAST_LATITUDE),
    ]


def _choropleth(polygons: Any, color: str) -> dict[str, Any]:
    """Return a trace of polygons in one colour."""
    import numpy as np
    import shapely

    # Exterior rings must be clockwise: of the others, plotly fills all the rest of the globe.
    shapes = shapely.orient_polygons(np.asarray(polygons, dtype="object"), exterior_cw=True)
    rounded = shapely.transform(shapes, lambda points: points.round(_DIGITS))
    features = [
        {"type": "Feature", "id": str(number), "geometry": json.loads(text), "properties": {}}
        for number, text in enumerate(shapely.to_geojson(rounded))
    ]
    return {
        "type": "choropleth",
        "geojson": {"type": "FeatureCollection", "features": features},
        "featureidkey": "id",
        "locations": [feature["id"] for feature in features],
        "z": [1] * len(features),
        "showscale": False,
        "colorscale": [[0, color], [1, color]],
    }


def _traces(layer: LayerDefinition, geometry: Any, number: int) -> Iterator[dict[str, Any]]:
    rows = layer.geodataframe.set_geometry(geometry.set_axis(layer.geodataframe.index))
    titled = False
    for part in _parts(layer, rows):
        trace = _shapes(layer, part) | {
            "name": part.label or f"Layer {number + 1}",
            "showlegend": bool(part.label),
            "legendgroup": f"{number}-{part.label}",
            "meta": {"role": layer.style.layer_type, "palette": None if part.color else number},
        }
        title = layer.legend.title if layer.legend else ""
        if title and not titled:
            trace["legendgrouptitle"] = {"text": escape(title)}
            titled = True
        yield trace


def _shapes(layer: LayerDefinition, part: _Part) -> dict[str, Any]:
    """Return the trace of the rows of one colour."""
    match layer.style:
        case PointLayerStyle():
            return _points(layer, layer.style, part)
        case PolylineLayerStyle():
            return _lines(layer, layer.style, part)
        case PolygonLayerStyle():
            return _polygons(layer, layer.style, part)
        case _:
            assert_never(layer.style)


def _parts(layer: LayerDefinition, rows: "GeoDataFrame") -> Iterator[_Part]:
    """Split the rows of a layer by colour, in the order of the legend's labels."""
    column = color_column_of(layer.style)
    if column is None:
        plain = _single_color(layer.style)
        yield _Part(color=None if plain is None else css_color(plain), label=layer.name, rows=rows)
        return
    ordered = rows
    if layer.legend is not None and layer.legend.label_column is not None:
        ascending = layer.legend.sort == "ascending"
        ordered = rows.sort_values(layer.legend.label_column, ascending=ascending, kind="stable")
    keys = ordered[column].map(_key)
    labels = _labels(layer, ordered, keys)
    present = set(keys.dropna())
    # A row without a colour is not drawn, as a cell without a density.
    for color in dict.fromkeys([*labels, *keys.dropna()]):
        if color not in present:
            continue
        label = labels.get(color, "") if labels else layer.name
        yield _Part(color=color, label=_text(label), rows=ordered[keys == color])


def _single_color(style: PolylineLayerStyle | PolygonLayerStyle | PointLayerStyle) -> str | list[int] | None:
    return style.get_color if isinstance(style, PolylineLayerStyle) else style.get_fill_color


def _labels(layer: LayerDefinition, rows: "GeoDataFrame", colors: Any) -> dict[str, Any]:
    """Return the label of each colour, by the legend's columns or lists."""
    legend = layer.legend
    if legend is None:
        return {}
    if legend.label_column is not None:
        return dict(zip(colors, rows[legend.label_column], strict=True))
    pairs = zip(legend.colors or (), legend.labels or (), strict=False)
    return {css_color(color): label for color, label in pairs}


def _key(color: Any) -> str | None:
    return css_color(color) if isinstance(color, str | list | tuple) else None


def css_color(color: str | Sequence[int]) -> str:
    """Return a colour as CSS writes it; lists have red, green, blue and possibly opacity, from 0 to 255."""
    if isinstance(color, str):
        return color
    red, green, blue, *opacity = color
    if opacity and opacity[0] < _FULL:
        return f"rgba({red},{green},{blue},{opacity[0] / _FULL:.3f})"
    return f"#{red:02x}{green:02x}{blue:02x}"


def _text(label: Any) -> str:
    shown = f"{label:,g}" if isinstance(label, float) else str(label)
    return escape(shown)


def _tooltips(layer: LayerDefinition, rows: "GeoDataFrame") -> list[str] | None:
    """Return what is shown of each row under the pointer, or None for nothing."""
    if not layer.style.pickable or not layer.tooltip_columns:
        return None
    titles = [escape(humanised(column)) for column in layer.tooltip_columns]
    texts = []
    for cells in cells_of(rows[list(layer.tooltip_columns)]):
        lines = [f"{title}: {_cell(cell)}" for title, cell in zip(titles, cells, strict=True)]
        texts.append("<br>".join(lines))
    return texts


def _cell(value: Any) -> str:
    if value is None:
        return DASH
    return escape(f"{value:,.2f}" if isinstance(value, float) else str(value))


def _points(layer: LayerDefinition, style: PointLayerStyle, part: _Part) -> dict[str, Any]:
    singles = part.rows.explode(index_parts=False)
    outline = None if style.get_line_color is None else css_color(style.get_line_color)
    marker = {
        "size": 2 * style.get_radius,
        "color": part.color if style.filled else _HOLLOW,
        "line": {"width": style.get_line_width, "color": outline},
    }
    trace = {
        "type": "scattergeo",
        "mode": "markers",
        "opacity": style.opacity,
        "lon": singles.geometry.x.round(_DIGITS).tolist(),
        "lat": singles.geometry.y.round(_DIGITS).tolist(),
        "marker": marker,
    }
    return trace | _hover(_tooltips(layer, singles))


def _lines(layer: LayerDefinition, style: PolylineLayerStyle, part: _Part) -> dict[str, Any]:
    import numpy as np
    import shapely

    singles = part.rows.explode(index_parts=False)
    points, owners = shapely.get_coordinates(singles.geometry.array, return_index=True)
    # An empty point between two lines.
    ends = np.flatnonzero(np.diff(owners)) + 1
    broken = np.insert(np.round(points, _DIGITS), ends, np.nan, axis=0)
    trace = {
        "type": "scattergeo",
        "mode": "lines",
        "opacity": style.opacity,
        "lon": _plain(broken[:, 0]),
        "lat": _plain(broken[:, 1]),
        "line": {"width": style.get_width, "color": part.color},
    }
    texts = _tooltips(layer, singles)
    if texts is not None:
        owners_of_points = np.insert(owners, ends, owners[ends - 1])
        texts = [texts[owner] for owner in owners_of_points]
    return trace | _hover(texts)


def _polygons(layer: LayerDefinition, style: PolygonLayerStyle, part: _Part) -> dict[str, Any]:
    outline = None if style.get_line_color is None else css_color(style.get_line_color)
    color = part.color or "#000000"
    marker = {"opacity": style.opacity, "line": {"width": style.get_line_width, "color": outline}}
    trace = _choropleth(part.rows.geometry.array, color if style.filled else _HOLLOW)
    return trace | {"marker": marker} | _hover(_tooltips(layer, part.rows))


def _hover(texts: list[str] | None) -> dict[str, Any]:
    if texts is None:
        return {"hoverinfo": "skip"}
    return {"hoverinfo": "text", "text": texts}


def _plain(numbers: "np.ndarray[Any, Any]") -> list[float | None]:
    """Return numbers for JSON, which has no NaN."""
    import math

    return [None if math.isnan(number) else number for number in numbers.tolist()]
