(element, theme) => {
  const [width, height] = [element.clientWidth, element.clientHeight];
  return Plotly.toImage(element, { format: "svg", width, height, imageDataOnly: true }).then((svg) => {
    // Beside what plotly draws, a map has a scale and an arrow, which know how they are drawn as SVG.
    const origin = element.getBoundingClientRect();
    const marks = [...element.querySelectorAll("[data-svg]")].map((mark) => {
      const place = mark.getBoundingClientRect();
      return `<g transform="translate(${place.x - origin.x},${place.y - origin.y})">${mark.dataset.svg}</g>`;
    });
    // The page has its ground behind the chart, without which light letters could not be read.
    const ground = `<rect width="100%" height="100%" fill="${theme.surface}"/>`;
    const [start, end] = [svg.indexOf(">") + 1, svg.lastIndexOf("</svg>")];
    return svg.slice(0, start) + ground + svg.slice(start, end) + marks.join("") + svg.slice(end);
  });
}
