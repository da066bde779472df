(element, figure, theme) => {
  const axis = (own) => ({ ...own, gridcolor: theme.line, zerolinecolor: theme.line, linecolor: theme.line,
    tickfont: { color: theme.muted }, automargin: true,
    title: { standoff: 12, ...own.title, font: { size: 12, color: theme.muted } } });
  const own = (name) => theme.series.get(name) || theme.palette[0];
  const data = figure.data.map((trace) => {
    if (trace.type === "pie") {
      const colors = trace.marker && trace.marker.colors;
      return { ...trace, marker: { ...trace.marker, colors: colors || trace.labels.map(own),
        line: { color: theme.surface, width: 2 } }, outsidetextfont: { color: theme.ink } };
    }
    const color = (trace.marker && trace.marker.color) || own(trace.name);
    return { ...trace, marker: { ...trace.marker, color },
      ...(trace.type === "scatter" ? { line: { ...trace.line, color } } : {}) };
  });
  const layout = { ...figure.layout, width: element.clientWidth, height: element.clientHeight,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", barcornerradius: 4,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: theme.ink },
    hoverlabel: { bgcolor: theme.surface, bordercolor: theme.line, font: { color: theme.ink } } };
  for (const name of ["xaxis", "yaxis"]) if (figure.layout[name]) layout[name] = axis(figure.layout[name]);
  Plotly.react(element, data, layout, { displayModeBar: false });
}
