"use strict";
const flowlock = (() => {
  const libraries = {};
  const images = {};
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  let printing = false;

  function dark() {
    if (printing) return false;
    const chosen = root.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function theme() {
    const style = getComputedStyle(root);
    const read = (name) => style.getPropertyValue(name).trim();
    const light = { ink: "#16202c", muted: "#5b6877", line: "#dfe5eb", surface: "#ffffff" };
    const now = { ink: read("--ink"), muted: read("--muted"), line: read("--line"), surface: read("--surface") };
    const palette = dark()
      ? ["#4cc3d4", "#f4a259", "#b89bf2", "#7fd18b", "#f28ca5", "#d9c76a", "#8ab4f8", "#c9a08a"]
      : ["#0b7285", "#d9601a", "#6b4fbb", "#2b8a3e", "#c2255c", "#8a6d00", "#1c62c4", "#7a4f3a"];
    const names = JSON.parse(document.getElementById("series").textContent);
    const series = new Map(names.map((name, number) => [name, palette[number % palette.length]]));
    return { ...(printing ? light : now), palette, series, dark: dark() };
  }

  function draw(chart) {
    const figure = JSON.parse(chart.nextElementSibling.textContent);
    libraries[chart.dataset.library](chart, figure, theme());
    chart.dataset.drawn = chart.clientWidth;
    sizes.observe(chart);
  }

  // In the next frame: what is drawn may change sizes that are observed.
  const sizes = new ResizeObserver((entries) => requestAnimationFrame(() => {
    for (const { target } of entries) {
      const width = target.clientWidth;
      if (width && width !== Number(target.dataset.drawn)) draw(target);
    }
  }));

  function redraw() {
    for (const chart of all(".chart[data-drawn]")) {
      if (chart.closest("[hidden]")) delete chart.dataset.drawn; else draw(chart);
    }
  }

  function show() {
    const chosen = {};
    for (const select of all("#filters select")) {
      if (!isAll(select)) chosen[select.dataset.column] = select.value;
    }
    for (const view of all(".view")) {
      const key = JSON.parse(view.dataset.key);
      view.hidden = !Object.keys(key).every((column) => !(column in chosen) || key[column] === chosen[column]);
    }
    for (const card of all(".card")) {
      const shown = all(".view", card).filter((view) => !view.hidden);
      shown.forEach((view, place) => view.classList.toggle("following", place > 0));
      card.querySelector(".empty").hidden = shown.length > 0;
    }
    // Only now does each chart have the size that it will keep.
    all(".view:not([hidden]) .chart:not([data-drawn])").forEach(draw);
  }

  // A group may have any name, so the choice of all of them is not known by its value.
  const isAll = (select) => "all" in select.selectedOptions[0].dataset;

  function groups() {
    const form = document.getElementById("filters");
    if (!form) return;
    form.hidden = false;
    const wanted = new URLSearchParams(location.hash.slice(1));
    for (const select of all("select", form)) {
      const value = wanted.get(select.dataset.column);
      const every = wanted.getAll("*").includes(select.dataset.column);
      const option = all("option", select).find((one) => "all" in one.dataset ? every : one.value === value);
      if (option) option.selected = true;
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", () => {
      const chosen = all("select", form).map((select) =>
        isAll(select) ? ["*", select.dataset.column] : [select.dataset.column, select.value]);
      history.replaceState(null, "", "#" + new URLSearchParams(chosen));
      show();
    });
  }

  function sortable(table) {
    all("th", table).forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        all("th", table).forEach((other) => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const numeric = head.classList.contains("number");
        const value = (row) => row.cells[column].dataset.value;
        const rows = all("tbody tr", table).sort((a, b) => {
          const [x, y] = [value(a), value(b)];
          if (x === "" || y === "") return (x === "") - (y === "");
          const order = numeric ? Number(x) - Number(y) : x.localeCompare(y);
          return down ? -order : order;
        });
        table.tBodies[0].append(...rows);
      });
    });
  }

  // Where a table is wider than its card, its edges and a sentence say so.
  function scrollable(box) {
    const [frame, hint] = [box.parentElement, box.parentElement.nextElementSibling];
    const update = () => {
      const rest = box.scrollWidth - box.clientWidth;
      frame.classList.toggle("more-left", box.scrollLeft > 1);
      frame.classList.toggle("more-right", box.scrollLeft < rest - 1);
      hint.hidden = rest <= 1;
    };
    box.addEventListener("scroll", update, { passive: true });
    new ResizeObserver(() => requestAnimationFrame(update)).observe(box);
    new ResizeObserver(() => requestAnimationFrame(update)).observe(box.firstElementChild);
  }

  async function save(button) {
    const view = button.closest(".view");
    const chart = view.querySelector(".chart");
    if (!chart) return flowlockDownloads.table(view.querySelector("table"), button.dataset.title);
    const svg = await images[chart.dataset.library](chart, theme());
    return flowlockDownloads.chart(chart, svg, button.dataset.title, button.dataset.save);
  }

  function downloads() {
    for (const button of all("[data-save]")) {
      button.addEventListener("click", async () => {
        button.disabled = true;
        try { await save(button); } finally { button.disabled = false; }
      });
    }
    all(".downloads").forEach((tools) => { tools.hidden = false; });
  }

  function themes() {
    const button = document.getElementById("theme");
    const label = () => { button.textContent = dark() ? "Light theme" : "Dark theme"; };
    button.hidden = false;
    label();
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      label();
      redraw();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { label(); redraw(); });
  }

  function printer() {
    const button = document.getElementById("print");
    button.hidden = false;
    button.addEventListener("click", () => print());
    const set = (now) => { printing = now; root.classList.toggle("printing", now); redraw(); };
    addEventListener("beforeprint", () => set(true));
    addEventListener("afterprint", () => set(false));
  }

  return {
    register(name, library, image) { libraries[name] = library; images[name] = image; },
    start() {
      root.classList.add("js");
      all("table").forEach(sortable);
      all(".scroll").forEach(scrollable);
      downloads();
      themes();
      printer();
      groups();
      show();
    },
  };
})();
