"""How a page draws the charts of this package: with its plotly.js, in its colours."""

from flowlock_core.plotly import plotly_runtime

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

PLOTLY = plotly_runtime("plotly", DRAW)
