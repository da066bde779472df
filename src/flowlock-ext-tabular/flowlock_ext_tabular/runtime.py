"""How a page draws plotly figures: the library from plotly's wheel, and the drawing in the page's colours."""

from importlib.resources import files

from flowlock_core.results import ChartRuntime

# A figure is drawn in the page's theme: fonts and colours are the page's, everything else is the figure's
# own.
DRAW = """(element, figure, theme) => {
  const axis = (own) => ({ ...own, gridcolor: theme.line, zerolinecolor: theme.line, linecolor: theme.line,
    tickfont: { color: theme.muted }, automargin: true,
    title: { standoff: 12, ...own.title, font: { size: 12, color: theme.muted } } });
  const data = figure.data.map((trace) => {
    const color = theme.series.get(trace.name) || theme.palette[0];
    return { ...trace, marker: { ...trace.marker, color }, line: { ...trace.line, color } };
  });
  for (const trace of data) if (trace.type !== "scatter") delete trace.line;
  const layout = { ...figure.layout, width: element.clientWidth, height: element.clientHeight,
    xaxis: axis(figure.layout.xaxis), yaxis: axis(figure.layout.yaxis),
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", barcornerradius: 4,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: theme.ink },
    hoverlabel: { bgcolor: theme.surface, bordercolor: theme.line, font: { color: theme.ink } } };
  Plotly.react(element, data, layout, { displayModeBar: false });
}"""


def _source() -> str:
    return files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")


PLOTLY = ChartRuntime(name="plotly", load=_source, draw=DRAW)
