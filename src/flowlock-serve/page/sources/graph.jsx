/** The workflow's drawing with the state of each step on it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { service } from "./service.js";

const SVG = "http://www.w3.org/2000/svg";
const BADGE = { height: 16, padding: 6, letter: 6.6 };

/** Return the drawing of the workflow as an element, null while it is loading or if there is none. */
export function useDrawing() {
  const [drawing, setDrawing] = useState(null);
  useEffect(() => {
    service.graph().then((text) => setDrawing(drawingOf(text)), () => {});
  }, []);
  return drawing;
}

function drawingOf(text) {
  // The page's policy allows no style sheet inside a document, and reports one already when it is parsed: app.css
  // has the drawing's.
  const plain = text.replace(/<style>[^<]*<\/style>/, "");
  const svg = new DOMParser().parseFromString(plain, "image/svg+xml").documentElement;
  return svg.localName === "svg" ? svg : null;
}

/** Return the ids of steps and their parts of a drawing; the title of a part starts with the id of its step. */
function partsOf(place) {
  const parts = new Map();
  for (const part of place.querySelectorAll("g")) {
    const title = part.querySelector("title");
    if (title) parts.set(title.textContent.split(":")[0], part);
  }
  return parts;
}

/** Return the titles of steps as they are drawn, by id: the drawing has those of steps without parameters, too. */
export function titlesOf(drawing) {
  const parts = drawing ? [...partsOf(drawing)] : [];
  const titleOf = (part) => [...part.querySelectorAll(".name")].map((line) => line.textContent).join(" ");
  return new Map(parts.map(([id, part]) => [id, titleOf(part)]));
}

export function Graph({ drawing, states, label }) {
  const place = useRef(null);
  useEffect(() => {
    const svg = document.importNode(drawing, true);
    place.current.replaceChildren(svg);
    // A small workflow is not blown up.
    svg.style.maxWidth = `${svg.getAttribute("width")}px`;
    place.current.scrollLeft = (place.current.scrollWidth - place.current.clientWidth) / 2;
  }, [drawing]);
  useEffect(() => {
    for (const [id, part] of partsOf(place.current)) show(part, states[id]);
    follow(place.current);
  }, [drawing, states]);
  return <div ref={place} class="graph" role="region" aria-label={label} tabIndex={0} />;
}

function show(part, state) {
  const status = state?.status.replace(" ", "-");
  part.setAttribute("class", status ? `step-${status}` : "");
  const counts = state?.total > 1 ? `${state.done}/${state.total}` : "";
  const badge = part.querySelector(".badge");
  if (badge?.dataset.counts === counts || (!badge && !counts)) return;
  badge?.remove();
  if (counts) part.append(badgeOf(part, counts));
}

/** Keep the running step in sight, unless the reader is looking at another part. */
function follow(place) {
  const running = place.querySelector(".step-running");
  if (!running || place.matches(":hover, :focus")) return;
  const frame = place.getBoundingClientRect();
  const card = running.getBoundingClientRect();
  if (card.top >= frame.top && card.bottom <= frame.bottom) return;
  place.scrollTop += card.top - frame.top - (frame.height - card.height) / 2;
}

/** Return the count of elements, drawn over the upper right corner of a step's card. */
function badgeOf(part, counts) {
  const card = [...part.querySelectorAll("rect")].at(-1);
  const width = counts.length * BADGE.letter + 2 * BADGE.padding;
  const right = Number(card.getAttribute("x")) + Number(card.getAttribute("width"));
  const left = right - width + BADGE.padding;
  const top = Number(card.getAttribute("y")) - BADGE.height / 2;
  const badge = element("g", { class: "badge" });
  badge.dataset.counts = counts;
  const text = element("text", { x: left + width / 2, y: top + 12 });
  text.textContent = counts;
  badge.append(element("rect", { x: left, y: top, width, height: BADGE.height, rx: BADGE.height / 2 }), text);
  return badge;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
