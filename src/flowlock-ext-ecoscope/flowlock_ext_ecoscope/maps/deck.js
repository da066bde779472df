(frame) => {
  const LARGEST_ZOOM = 20;
  // Pixels that the world is wide at zoom 0.
  const WORLD = 512;
  const drawn = new Set();
  const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  // A colour of CSS as deck.gl takes it: red, green, blue and opacity, from 0 to 255.
  const rgba = (color) => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = color;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data];
  };
  const lines = ({ lon, lat, text }) => {
    const paths = [];
    let path = null;
    lon.forEach((x, place) => {
      if (x == null) { path = null; return; }
      if (!path) paths.push(path = { points: [], text: text && text[place] });
      path.points.push([x, lat[place]]);
    });
    return paths;
  };
  const layers = {
    polyline: (trace, own) => new deck.PathLayer({ data: lines(trace), getPath: (path) => path.points,
      getColor: rgba(own || trace.line.color), getWidth: trace.line.width, widthUnits: "pixels",
      jointRounded: true, capRounded: true }),
    point: (trace, own, ground) => new deck.ScatterplotLayer({
      data: trace.lon.map((x, place) => ({ at: [x, trace.lat[place]], text: trace.text && trace.text[place] })),
      getPosition: (point) => point.at, getRadius: trace.marker.size / 2, radiusUnits: "pixels",
      getFillColor: rgba(own || trace.marker.color), stroked: trace.marker.line.width > 0,
      getLineColor: rgba(trace.marker.line.color || ground), getLineWidth: trace.marker.line.width,
      lineWidthUnits: "pixels" }),
    polygon: (trace, own, ground) => new deck.GeoJsonLayer({
      data: trace.geojson.features.map((feature, place) => ({ ...feature, text: trace.text && trace.text[place] })),
      getFillColor: rgba(own || trace.colorscale[0][1]), stroked: trace.marker.line.width > 0,
      getLineColor: rgba(trace.marker.line.color || ground), getLineWidth: trace.marker.line.width,
      lineWidthUnits: "pixels" }),
  };
  const built = (element, figure, theme) => {
    const hidden = element.hiddenLayers;
    const shown = figure.data.map((trace, number) => {
      const build = layers[trace.meta.role];
      if (!build || hidden.has(number)) return null;
      const layer = build(trace, frame.color(trace, theme), theme.surface);
      const opacity = (trace.marker && trace.marker.opacity) ?? trace.opacity ?? 1;
      return layer.clone({ id: String(number), opacity, pickable: Boolean(trace.text) });
    });
    const colors = frame.colors(theme);
    const land = new deck.GeoJsonLayer({ id: "land", data: frame.land(element.around),
      getFillColor: rgba(colors.land), getLineColor: rgba(colors.border), getLineWidth: 0.7, lineWidthUnits: "pixels" });
    return [land, ...shown];
  };
  const fitted = ([west, south, east, north], width, height) => {
    const [bottom, top] = [frame.stretched(south), frame.stretched(north)];
    const across = Math.log2(width * 360 / (WORLD * (east - west)));
    const upwards = Math.log2(height * 360 / (WORLD * (top - bottom)));
    return { longitude: (west + east) / 2, latitude: frame.latitude((bottom + top) / 2),
      zoom: Math.min(across, upwards, LARGEST_ZOOM), minZoom: -2, maxZoom: LARGEST_ZOOM };
  };
  const box = (parent, style, tag = "div") => {
    const made = parent.appendChild(document.createElement(tag));
    made.style.cssText = style;
    return made;
  };
  const legend = (parent, element, figure, theme, narrow) => {
    const [vertical, horizontal] = (figure.layout.meta.legend || "bottom-right").split("-");
    const place = narrow ? "padding:6px 0;display:flex;flex-wrap:wrap;gap:2px 12px;max-height:96px;overflow:auto"
      : `position:absolute;z-index:2;${vertical}:10px;${horizontal}:10px;padding:6px 10px;border:1px solid ${theme.line};` +
        `background:${theme.surface};max-height:80%;overflow:auto`;
    const list = box(parent, `${place};font-size:11px;color:${theme.ink}`);
    const title = figure.layout.legend && figure.layout.legend.title.text;
    if (title) box(list, `color:${theme.muted}`).textContent = title;
    figure.data.forEach((trace, number) => {
      // Names and titles are escaped for plotly, which reads them as HTML.
      if (trace.legendgrouptitle) box(list, `color:${theme.muted}`).innerHTML = trace.legendgrouptitle.text;
      if (!trace.showlegend) return;
      const label = box(list, "display:flex;align-items:center;gap:6px;cursor:pointer", "label");
      const choice = box(label, "margin:0", "input");
      choice.type = "checkbox";
      choice.checked = !element.hiddenLayers.has(number);
      choice.onchange = () => {
        element.hiddenLayers[choice.checked ? "delete" : "add"](number);
        element.deck.setProps({ layers: built(element, figure, theme) });
      };
      const own = frame.color(trace, theme) || (trace.line || trace.marker).color || trace.colorscale[0][1];
      box(label, `width:14px;height:10px;background:${own}`);
      box(label, "", "span").innerHTML = trace.name;
    });
  };
  const buttons = (parent, element, theme, home) => {
    const bar = box(parent, "position:absolute;z-index:2;top:10px;right:10px;display:flex;gap:4px");
    const zoomed = (change) => ({ ...element.viewState, zoom: element.viewState.zoom + change });
    const actions = [["+", "Zoom in", () => zoomed(1)], ["\u2212", "Zoom out", () => zoomed(-1)],
      ["\u21ba", "Show all", () => home]];
    for (const [text, name, next] of actions) {
      const button = box(bar, `width:24px;height:24px;padding:0;border:1px solid ${theme.line};border-radius:3px;` +
        `background:${theme.surface};color:${theme.ink};cursor:pointer`, "button");
      button.type = "button";
      button.textContent = text;
      button.setAttribute("aria-label", name);
      button.onclick = () => element.moveTo(next());
    }
  };
  // A browser keeps few contexts of WebGL: maps that are no longer shown are given up, and drawn again if they are.
  const giveUp = (element) => {
    if (element.deck) element.deck.finalize();
    element.deck = null;
    drawn.delete(element);
  };

  return (element, figure, theme) => {
    for (const other of [...drawn]) {
      if (!other.closest("[hidden]") && other.isConnected) continue;
      giveUp(other);
      delete other.dataset.drawn;
    }
    giveUp(element);
    element.textContent = "";
    element.hiddenLayers = element.hiddenLayers || new Set();
    const meta = figure.layout.meta;
    const [narrow, printing] = [frame.size(element), frame.isPrinting()];
    element.style.display = "flex";
    element.style.flexDirection = "column";
    const map = box(element, `position:relative;flex:1;min-height:0;background:${frame.colors(theme).water}`);
    if (figure.layout.showlegend) legend(narrow ? element : map, element, figure, theme, narrow);
    const [width, height] = [map.clientWidth, map.clientHeight];
    const home = fitted(meta.bounds, width, height);
    // The land as far as one may look around.
    element.around = [home.longitude - 360, -84, home.longitude + 360, 84];
    element.viewState = home;
    const scale = () => {
      const kilometers = 2 * Math.PI * 6371.009 * Math.cos(element.viewState.latitude * frame.radians) /
        (WORLD * 2 ** element.viewState.zoom);
      const corner = frame.corner(map, theme, "map-scale", "bottom-left");
      corner.textContent = "";
      frame.scale(corner, theme, width, kilometers);
    };
    element.moveTo = (viewState) => {
      element.viewState = viewState;
      element.deck.setProps({ viewState });
      scale();
    };
    element.deck = new deck.Deck({
      parent: map, width, height, viewState: home, views: new deck.MapView({ repeat: true }),
      controller: meta.static || printing ? false : { scrollZoom: false, dragRotate: false, touchRotate: false },
      onViewStateChange: ({ viewState }) => element.moveTo(viewState),
      layers: built(element, figure, theme),
      getTooltip: ({ object }) => object && object.text && { html: object.text, style: { background: theme.surface,
        color: theme.ink, border: `1px solid ${theme.line}`, fontSize: "12px", padding: "4px 8px" } },
      // So that a page can be printed, and pictures be taken of it.
      deviceProps: { webgl: { preserveDrawingBuffer: true } },
    });
    drawn.add(element);
    scale();
    if (meta.north && meta.north !== "fill") frame.arrow(frame.corner(map, theme, "map-north", meta.north), theme);
    if (!meta.static && !printing) buttons(map, element, theme, home);
  };
}
