(land) => {
  // Each polygon is a list of rings, and a ring x and y in hundredths of a degree, as steps from the point before.
  const ring = (steps) => {
    const points = [];
    let [x, y] = [0, 0];
    for (let place = 0; place < steps.length; place += 2) {
      [x, y] = [x + steps[place], y + steps[place + 1]];
      points.push([x / 100, y / 100]);
    }
    return points;
  };
  let countries = null;
  const decoded = () => {
    countries = countries || land.map((rings) => {
      const coordinates = rings.map(ring);
      const [longitudes, latitudes] = [0, 1].map((axis) => coordinates[0].map((point) => point[axis]));
      const [west, east] = [Math.min(...longitudes), Math.max(...longitudes)];
      return { coordinates, west, east, south: Math.min(...latitudes), north: Math.max(...latitudes) };
    });
    return countries;
  };
  const radians = Math.PI / 180;
  const isPrinting = () => document.documentElement.classList.contains("printing");
  return {
    radians,
    // Latitudes as Mercator's projection draws them, in degrees of longitude, and back.
    stretched: (latitude) => Math.log(Math.tan(Math.PI / 4 + latitude * radians / 2)) / radians,
    latitude: (y) => (2 * Math.atan(Math.exp(y * radians)) - Math.PI / 2) / radians,
    colors: (theme) => theme.dark
      ? { water: "#12202b", land: "#26333f", border: "#3d4c5a" }
      : { water: "#dfecf3", land: "#f6f4ec", border: "#bcc6cd" },
    // The countries that a view meets, as GeoJSON; beyond the antimeridian they are there once more.
    land: ([west, south, east, north]) => {
      const features = [];
      for (const turn of [-360, 0, 360]) {
        for (const one of decoded()) {
          if (one.east + turn < west || one.west + turn > east || one.north < south || one.south > north) continue;
          const coordinates = one.coordinates.map((points) => points.map(([x, y]) => [x + turn, y]));
          features.push({ type: "Feature", id: String(features.length), properties: {},
            geometry: { type: "Polygon", coordinates } });
        }
      }
      return { type: "FeatureCollection", features };
    },
    isPrinting,
    // Give the element its height; whether it is too narrow for a legend on the map.
    size: (element) => {
      const narrow = element.clientWidth < 560;
      element.style.height = isPrinting() ? "" : (narrow ? "430px" : "480px");
      element.style.position = "relative";
      return narrow;
    },
    color: (trace, theme) =>
      trace.meta.palette == null ? null : theme.palette[trace.meta.palette % theme.palette.length],
    corner: (element, theme, name, where, below = 0) => {
      const box = element.querySelector("." + name) || element.appendChild(document.createElement("div"));
      box.className = name;
      box.setAttribute("aria-hidden", "true");
      const [vertical, horizontal] = where.split("-");
      box.style.cssText = `position:absolute;z-index:2;${vertical}:${(vertical === "bottom" ? below : 0) + 10}px;` +
        `${horizontal}:12px;pointer-events:none;color:${theme.ink};font-size:11px;line-height:1.2;` +
        `text-align:center;text-shadow:0 0 3px ${theme.surface},0 0 3px ${theme.surface}`;
      return box;
    },
    // A bar of a round length, at most 140 pixels wide, from the kilometres that a pixel is.
    scale: (box, theme, width, kilometers) => {
      const most = kilometers * Math.min(140, width / 4);
      const power = 10 ** Math.floor(Math.log10(most));
      const length = [5, 2, 1].map((step) => step * power).find((step) => step <= most);
      const bar = document.createElement("div");
      bar.style.cssText = `width:${length / kilometers}px;height:5px;border:1.5px solid ${theme.ink};border-top:0`;
      const label = length >= 1 ? `${length.toLocaleString("en")} km` : `${Math.round(length * 1000)} m`;
      box.append(label, bar);
      // The same as SVG, for a picture of the map. Its height is known: a browser that is asked for it at each move
      // of a map of many vertices is never done with the layout.
      const [wide, high] = [length / kilometers, 18];
      box.dataset.svg = `<path d="M0 ${high - 5}v5h${wide}v-5" fill="none" stroke="${theme.ink}" stroke-width="1.5"/>` +
        `<text x="${wide / 2}" y="10" fill="${theme.ink}" font-size="11" text-anchor="middle">${label}</text>`;
    },
    arrow: (box, theme) => {
      const arrow = `<path d="M9 0 17 26 9 20 1 26Z" fill="${theme.ink}" stroke="${theme.surface}"/>`;
      box.innerHTML = `<svg width="18" height="26" viewBox="0 0 18 26">${arrow}</svg><div>N</div>`;
      box.dataset.svg = `${arrow}<text x="9" y="40" fill="${theme.ink}" font-size="11" text-anchor="middle">N</text>`;
    },
  };
}
