const flowlockDownloads = (() => {
  // A spreadsheet would run a text that begins like a formula: an apostrophe makes it a text again.
  const formula = /^[=+\-@\t\r]/;
  const plainNumber = /^[+-]?[0-9]+([.,][0-9]+)?$/;

  function cell(text, numeric) {
    const safe = !numeric && formula.test(text) && !plainNumber.test(text) ? "'" + text : text;
    return /[",;\r\n\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  // The rows in the order in which they are shown; numbers have all of their digits.
  function csv(table) {
    const heads = [...table.tHead.rows[0].cells];
    const numeric = heads.map((head) => head.classList.contains("number"));
    const lines = [heads.map((head) => cell(head.dataset.column, false))];
    for (const row of table.tBodies[0].rows) {
      lines.push([...row.cells].map((one, place) => cell(one.dataset.value, numeric[place])));
    }
    // Without the mark at the beginning, spreadsheets take UTF-8 for another encoding.
    return "\ufeff" + lines.map((line) => line.join(",") + "\r\n").join("");
  }

  async function png(svg, width, height) {
    const image = new Image();
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg);
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2 * width, 2 * height];
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  function save(blob, title, ending) {
    const link = document.createElement("a");
    const name = title.replace(/[^\p{L}\p{N} ()=,.-]+/gu, "-").replace(/^[. -]+|[. -]+$/g, "").slice(0, 100);
    link.download = `${name || "download"}.${ending}`;
    link.href = URL.createObjectURL(blob);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  return {
    async table(table, title) {
      save(new Blob([csv(table)], { type: "text/csv;charset=utf-8" }), title, "csv");
    },
    async chart(chart, svg, title, format) {
      const made = format === "svg"
        ? new Blob([svg], { type: "image/svg+xml" })
        : await png(svg, chart.clientWidth, chart.clientHeight);
      save(made, title, format);
    },
  };
})();
