"""Figures of plotly, and the part of plotly.js that a page needs to draw them.

`plotly.js` beside this module is built from `bundle/` of the package's sources, with the types of traces that
tasks draw: all of them take three times the space. A chart with another type is refused when it is made.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from flowlock_core.results import ChartRuntime


def _text(name: str) -> str:
    return files("flowlock_core.plotly").joinpath(name).read_text(encoding="utf-8")


def _source() -> str:
    return _text("plotly.js")


_IMAGE = _text("image.js").strip()
TRACES = frozenset(json.loads(_text("bundle.json"))["traces"])


def plotly_runtime(name: str, draw: str) -> ChartRuntime:
    """Return how charts are drawn with the page's plotly.js, by the function that `draw` is the source of."""
    return ChartRuntime(name=name, library="plotly", load=_source, draw=draw, traces=TRACES, image=_IMAGE)


def checked_figure(traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> dict[str, Any]:
    """Return a figure as JSON, without plotly's template.

    plotly checks it here, so that a wrong one fails at its step and not in a reader's browser.
    """
    import plotly.graph_objects as go

    figure = go.Figure({"data": list(traces), "layout": dict(layout)})
    document: dict[str, Any] = json.loads(figure.to_json())
    document["layout"].pop("template", None)
    return document
