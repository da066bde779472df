"""How a page draws plotly figures: the library from plotly's wheel, and the drawing in the page's colours."""

from importlib.resources import files

from flowlock_core.results import ChartRuntime

# A figure is drawn in the page's theme; what it sets itself stays.
DRAW = """(element, figure, theme) => {
  const axis = (own) => ({ gridcolor: theme.line, zerolinecolor: theme.line, linecolor: theme.line,
    tickfont: { color: theme.muted }, automargin: true, ...own,
    title: { standoff: 12, ...(own && own.title), font: { size: 12, color: theme.muted } } });
  const layout = { ...figure.layout, autosize: true,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", colorway: theme.palette,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: theme.ink },
    hoverlabel: { bgcolor: theme.surface, bordercolor: theme.line, font: { color: theme.ink } } };
  for (const name of Object.keys(layout)) {
    if (/^[xy]axis\\d*$/.test(name)) layout[name] = axis(layout[name]);
  }
  Plotly.react(element, figure.data, layout,
    { responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false });
}"""


def _source() -> str:
    return files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")


PLOTLY = ChartRuntime(name="plotly", load=_source, draw=DRAW)
