(frame) => {
  return (element, figure, theme) => {
    const colors = frame.colors(theme);
    const meta = figure.layout.meta;
    const [narrow, printing] = [frame.size(element), frame.isPrinting()];
    const ground = theme.surface;

    const color = (trace) => frame.color(trace, theme);
    const drawn = {
      first: (trace) => trace,
      polyline: (trace) => ({ ...trace, line: { ...trace.line, color: color(trace) || trace.line.color } }),
      point: (trace) => ({ ...trace, marker: { ...trace.marker, color: color(trace) || trace.marker.color,
        line: { ...trace.marker.line, color: trace.marker.line.color || ground } } }),
      polygon: (trace) => {
        const own = color(trace);
        return { ...trace, colorscale: own ? [[0, own], [1, own]] : trace.colorscale,
          marker: { ...trace.marker, line: { ...trace.marker.line, color: trace.marker.line.color || ground } } };
      },
    };
    // Copies: plotly writes into what it is given, and the figure is drawn again in other colours.
    const data = figure.data.map((trace) => drawn[trace.meta.role]({ ...trace }));
    // In a legend of rows, titles of groups would stand among the entries.
    const titles = data.map((trace) => trace.legendgrouptitle && trace.legendgrouptitle.text).filter(Boolean);
    if (narrow) for (const trace of data) delete trace.legendgrouptitle;

    // The view grows in one direction, so that it fills the card: in Mercator's projection its shape is known.
    const { radians, stretched, latitude } = frame;
    const legendHeight = narrow && figure.layout.showlegend ? 96 : 0;
    const [width, height] = [element.clientWidth, element.clientHeight - legendHeight];
    let [west, south, east, north] = meta.bounds;
    let [bottom, top] = [stretched(south), stretched(north)];
    // plotly fits the great circles between five points of each parallel, which lie beyond it towards the pole.
    const beyond = (y) => {
      const steep = Math.tan(latitude(y) * radians) / Math.cos((east - west) * radians / 8);
      return stretched(Math.atan(steep) / radians);
    };
    const shown = () => Math.max(beyond(top), top) - Math.min(beyond(bottom), bottom);
    const wanted = width / height;
    if ((east - west) / (top - bottom) > wanted) {
      const more = ((east - west) / wanted - (top - bottom)) / 2;
      [bottom, top] = [Math.max(bottom - more, stretched(-84)), Math.min(top + more, stretched(84))];
    }
    for (let round = 0; round < 5; round++) {
      const more = Math.max((Math.min(shown() * wanted, 355) - (east - west)) / 2, 0);
      [west, east] = [west - more, east + more];
    }
    if (east - west > 360) [west, east] = [(west + east) / 2 - 180, (west + east) / 2 + 180];

    const around = [west, latitude(bottom), east, latitude(top)];
    const geojson = frame.land(around);
    data.splice(1, 0, { type: "choropleth", geojson, featureidkey: "id",
      locations: geojson.features.map((feature) => feature.id), z: geojson.features.map(() => 1),
      showscale: false, hoverinfo: "skip", showlegend: false, colorscale: [[0, colors.land], [1, colors.land]],
      marker: { line: { color: colors.border, width: 0.7 } } });

    const place = (meta.legend || "bottom-right").split("-");
    const legend = { ...figure.layout.legend, bgcolor: ground, bordercolor: theme.line, borderwidth: 1,
      font: { size: 11, color: theme.ink }, grouptitlefont: { size: 11, color: theme.muted }, tracegroupgap: 2,
      itemsizing: "constant", ...(narrow
        ? { orientation: "h", x: 0, y: 0, xanchor: "left", yanchor: "top", borderwidth: 0,
          title: { text: titles.join(", "), side: "top", font: { size: 11, color: theme.muted } } }
        : { x: place[1] === "left" ? 0.01 : 0.99, xanchor: place[1] === "left" ? "left" : "right",
            y: place[0] === "top" ? 0.98 : 0.02, yanchor: place[0] === "top" ? "top" : "bottom" }) };
    const layout = { ...figure.layout, width: element.clientWidth, height: element.clientHeight, legend,
      margin: { l: 0, r: 0, t: 0, b: legendHeight },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: theme.muted, activecolor: theme.ink },
      paper_bgcolor: "rgba(0,0,0,0)", dragmode: meta.static ? false : "pan",
      geo: { ...figure.layout.geo, bgcolor: colors.water, domain: { x: [0, 1], y: [0, 1] },
        lonaxis: { range: [west, east] }, lataxis: { range: [latitude(bottom), latitude(top)] } },
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: theme.ink },
      hoverlabel: { bgcolor: ground, bordercolor: theme.line, font: { color: theme.ink }, align: "left" } };
    const settings = { displaylogo: false, staticPlot: Boolean(meta.static), scrollZoom: false,
      displayModeBar: !printing && !meta.static, modeBarButtons: [["zoomInGeo", "zoomOutGeo", "resetGeo"]] };

    const corner = (name, where) => frame.corner(element, theme, name, where, legendHeight);
    const scale = () => {
      const subplot = element._fullLayout && element._fullLayout.geo && element._fullLayout.geo._subplot;
      const box = corner("map-scale", "bottom-left");
      box.textContent = "";
      if (!subplot || !subplot.projection.invert) return;
      const [x, y] = [width / 2, height / 2];
      const [left, right] = [subplot.projection.invert([x - 50, y]), subplot.projection.invert([x + 50, y])];
      if (!left || !right) return;
      const turn = ((right[0] - left[0] + 540) % 360 - 180) * radians;
      const kilometers = Math.abs(turn) * Math.cos(left[1] * radians) * 6371.009 / 100;
      frame.scale(box, theme, width, kilometers);
    };
    const north_arrow = () => {
      if (!meta.north || meta.north === "fill") return;
      frame.arrow(corner("map-north", meta.north), theme);
    };
    Plotly.react(element, data, layout, settings).then(() => {
      scale();
      north_arrow();
      if (!element.dataset.scaled) {
        element.dataset.scaled = "yes";
        element.on("plotly_relayout", scale);
        element.on("plotly_relayouting", scale);
      }
    });
  };
}
