/** What the page says to its service. */

import { parseJson, toJson } from "./exact.js";
import { asSentence } from "./words.js";

/** A refusal: a problem document of RFC 9457, or that there was no answer. */
export class ServiceError extends Error {
  constructor(status, document) {
    super(document.detail || document.title || `The service answered with status ${status}.`);
    this.status = status;
    this.hint = document.hint ?? "";
    this.problems = document.problems ?? [];
    this.text = [this.message, this.hint].filter(Boolean).map(asSentence).join(" ");
  }
}

async function request(method, path, body, headers = {}) {
  const options = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin" };
  if (body !== undefined) {
    options.body = toJson(body);
    options.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ServiceError(0, { title: "The service does not answer.", hint: "Check that it is still running." });
  }
  const text = await response.text();
  if (!response.ok) throw new ServiceError(response.status, documentOf(text));
  const json = (response.headers.get("Content-Type") ?? "").includes("json");
  return json ? parseJson(text) : text;
}

function documentOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

const runPath = (id) => `/runs/${encodeURIComponent(id)}`;

export const service = {
  exchange: (token) => request("POST", "/session", { token }),
  workflow: () => request("GET", "/workflow"),
  form: () => request("GET", "/form"),
  graph: () => request("GET", "/graph.svg", undefined, { Accept: "image/svg+xml" }),
  check: (params, mockIo) => request("POST", "/check", { params, mock_io: mockIo }),
  start: (run, key) => request("POST", "/runs", run, { "Idempotency-Key": key }),
  runs: (query) => request("GET", `/runs?${new URLSearchParams(query)}`),
  run: (id) => request("GET", runPath(id)),
  cancel: (id) => request("POST", `${runPath(id)}/cancel`),
  resume: (id) => request("POST", `${runPath(id)}/resume`),
  remove: (id) => request("DELETE", runPath(id)),
  log: (id) => request("GET", `${runPath(id)}/logs`, undefined, { Accept: "text/plain" }),
  events: (id) => new EventSource(`${runPath(id)}/events`),
  resultUrl: (id, path) => `${runPath(id)}/results/${path.split("/").map(encodeURIComponent).join("/")}`,
};

/** Return a key for one request to start a run, so that a repeated request does not start a second. */
export function freshKey() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16)).join("-");
}
