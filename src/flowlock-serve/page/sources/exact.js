/**
 * JSON that keeps the digits of numbers: those of JavaScript have 53 bits, and a parameter may have more.
 *
 * A number that JavaScript would write in another way than it was typed is kept as a marked text.
 */

const random = crypto.getRandomValues(new Uint32Array(4));
const MARK = `number-${[...random].map((part) => part.toString(16)).join("")}:`;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const MARKED = new RegExp(`"${MARK}([^"]*)"`, "g");

/** Return the number that a text is, null if it is none. */
export function numberOf(text) {
  if (!NUMBER.test(text)) return null;
  const number = Number(text);
  return String(number) === text ? number : MARK + text;
}

/** Whether a value of a form is a number, marked or not. */
export function isNumber(value) {
  return typeof value === "number" || (typeof value === "string" && value.startsWith(MARK));
}

/** Return a value as it was typed. */
export function typed(value) {
  const text = String(value ?? "");
  return text.startsWith(MARK) ? text.slice(MARK.length) : text;
}

/** Read JSON; numbers keep their digits. */
export function parseJson(text) {
  const kept = (token) => (token.startsWith('"') ? token : JSON.stringify(numberOf(token) ?? token));
  return JSON.parse(text.replace(TOKEN, kept));
}

/** Write JSON; numbers are written as they were typed. */
export function toJson(value, indent) {
  return JSON.stringify(value, null, indent).replace(MARKED, "$1");
}

/** Return a value whose marked numbers are numbers, for comparing with a schema only. */
export function rounded(value) {
  if (Array.isArray(value)) return value.map(rounded);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, rounded(part)]));
  }
  return typeof value === "string" && value.startsWith(MARK) ? Number(typed(value)) : value;
}
