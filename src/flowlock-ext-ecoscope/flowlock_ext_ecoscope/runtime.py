"""How a page draws maps and charts of this package: libraries of others, and functions in JavaScript.

A page has the land once for each library that draws its maps. `land.json` has the countries of Natural Earth
4.1 (public domain) at 1:50 million, simplified to about a tenth of a degree, of the npm package world-atlas
2.0.2 (ISC). deck.gl is the bundle in pydeck's wheel: nothing is loaded from a network.
"""

from importlib.resources import files

from flowlock_core.plotly import plotly_runtime
from flowlock_core.results import ChartRuntime


def _deck() -> str:
    return files("pydeck").joinpath("nbextension", "static", "index.js").read_text(encoding="utf-8")


def _text(name: str) -> str:
    return files("flowlock_ext_ecoscope").joinpath(name).read_text(encoding="utf-8").strip()


def _on_land(name: str) -> str:
    """Return the function that draws maps: one that is given what maps share and returns it, called."""
    return f"({_text(name)})(({_text('maps/frame.js')})({_text('maps/land.json')}))"


MAP = plotly_runtime("plotly-map", _on_land("maps/map.js"))
LARGE_MAP = ChartRuntime(name="deck-map", library="deck", load=_deck, draw=_on_land("maps/deck.js"))
PLOT = plotly_runtime("plotly-plot", _text("plots/plot.js"))
