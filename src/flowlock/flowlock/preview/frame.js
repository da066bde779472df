"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const frame = element("dashboard");
  const words = {
    running: () => "Computing …",
    ready: (shown) => `Up to date, after ${shown.seconds.toFixed(2)} s`,
    failed: (shown) => shown.dashboard ? "The last edit has problems: this is the last good dashboard" : "There are problems",
  };
  let dashboard = 0;

  // The reader stays where they were: at the same place of the page, with the same groups. The address stays the
  // same: the browser knows scripts by it, and would compile those of every page again.
  function load(number) {
    const top = dashboard ? frame.contentWindow.scrollY : 0;
    frame.addEventListener("load", () => frame.contentWindow.scrollTo(0, top), { once: true });
    frame.hidden = false;
    if (dashboard) {
      frame.contentWindow.location.reload();
    } else {
      frame.src = "dashboard.html";
    }
    dashboard = number;
  }

  function show(shown) {
    element("title").textContent = document.title = shown.title;
    element("state").textContent = words[shown.state](shown);
    document.documentElement.dataset.state = shown.state;
    if (shown.state !== "running") {
      element("text").textContent = shown.text;
      element("problems").hidden = !shown.text;
    }
    element("nothing").hidden = shown.dashboard > 0 || shown.state === "failed";
    if (shown.dashboard && shown.dashboard !== dashboard) load(shown.dashboard);
  }

  const events = new EventSource("events");
  events.onmessage = (event) => show(JSON.parse(event.data));
  events.onerror = () => {
    element("state").textContent = "The preview has ended: start `flowlock preview` again";
    document.documentElement.dataset.state = "ended";
  };
})();
