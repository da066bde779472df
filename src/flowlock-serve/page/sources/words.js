/** Times and states as people read them. */

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export const STATES = {
  queued: "Queued",
  starting: "Starting",
  running: "Running",
  cancelling: "Cancelling",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  interrupted: "Interrupted",
};

export const STEP_STATES = {
  running: "running",
  done: "done",
  mocked: "done with examples",
  reused: "reused",
  skipped: "skipped",
  failed: "failed",
  "not run": "not run",
};

/** Return a moment in the reader's own time zone, the day only if it is not today. */
export function moment(text) {
  if (!text) return "";
  const time = new Date(text);
  const day = DAY.format(time);
  return day === DAY.format(new Date()) ? TIME.format(time) : `${day}, ${TIME.format(time)}`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 10) return `${Number.isInteger(seconds) ? seconds : seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Return a problem as a sentence; where it is shown at its field, the field is not named again. */
export function sentence({ message, step, parameter }) {
  const place = `${[step, parameter].filter(Boolean).join(".")}: `;
  return asSentence(message.startsWith(place) ? message.slice(place.length) : message);
}

/** Return a text as a sentence. One that begins with the name of a parameter keeps it as it is. */
export function asSentence(text) {
  const first = /^[\w.]+: /.test(text) ? text.charAt(0) : text.charAt(0).toUpperCase();
  return `${first}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
