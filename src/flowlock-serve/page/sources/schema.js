/** The schema of the parameters as the form needs it, and where each parameter is in the form. */

/** Where the form looks for a default: rjsf would fill in those that it finds under `default`. */
export const DEFAULT = "flowlock:default";
/** Marks a schema that also takes null, which is not a separate choice in the form. */
export const NULLABLE = "flowlock:nullable";

const TYPES = { string: "Text", integer: "Integer", number: "Number", boolean: "Yes or no", array: "List", object: "Values" };
const TYPED = ["string", "integer", "number"];

/** Return a schema with one control for each value: a choice between something and null becomes the former. */
export function forForm(schema) {
  if (Array.isArray(schema)) return schema.map(forForm);
  if (!schema || typeof schema !== "object") return schema;
  const { default: value, ...rest } = withoutNull(schema);
  const made = {};
  for (const [key, part] of Object.entries(rest)) {
    made[key] = key === "properties" || key === "$defs" ? eachOf(part) : key === "enum" ? part : forForm(part);
  }
  for (const union of ["anyOf", "oneOf"]) if (made[union]) made[union] = made[union].map(named);
  // Otherwise rjsf would fill a new value with 0.
  const further = made.additionalProperties;
  if (TYPED.includes(further?.type)) made.additionalProperties = { ...further, default: "" };
  if (value !== undefined) made[DEFAULT] = value;
  if (made.enum && !made.type) made.type = typeof made.enum[0];
  return made;
}

/** Return a choice of a union with a name to choose it by. */
function named(choice) {
  const name = choice.const === undefined ? TYPES[choice.type] : String(choice.const);
  return choice.title || !name ? choice : { ...choice, title: name };
}

function eachOf(schemas) {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, forForm(schema)]));
}

function withoutNull(schema) {
  const { anyOf, ...rest } = schema;
  if (!anyOf) return schema;
  const choices = anyOf.filter((choice) => choice.type !== "null");
  const nullable = choices.length < anyOf.length ? { [NULLABLE]: true } : {};
  // The parameter's own title and description come before those of its type.
  if (choices.length === 1 && !choices[0].$ref) return { ...choices[0], ...rest, ...nullable };
  return { ...rest, anyOf: choices, ...nullable };
}

/** Return what a control means that was emptied; undefined stands for "not given". */
export function emptied(schema) {
  const usual = schema[DEFAULT];
  if (schema[NULLABLE]) return usual === null ? undefined : null;
  const free = schema.type === "string" && !schema.minLength && !schema.pattern && !schema.format;
  return free && usual ? "" : undefined;
}

/** Return a default in words, an empty text if there is none to show. */
export function defaultText(schema) {
  const usual = schema[DEFAULT];
  if (usual === undefined || usual === "") return "";
  if (usual === null) return "none";
  if (Array.isArray(usual)) return usual.length ? usual.map(String).join(", ") : "none";
  if (typeof usual === "boolean") return usual ? "yes" : "no";
  return typeof usual === "object" ? JSON.stringify(usual) : String(usual);
}

/** Put the parameters of steps under the titles of their groups. */
export function toForm(params, groups) {
  const cards = cardOf(groups);
  const form = {};
  for (const [step, values] of Object.entries(params)) {
    if (cards.has(step)) form[cards.get(step)] = { ...form[cards.get(step)], [step]: values };
    else form[step] = values;
  }
  return form;
}

/** Take the parameters of each step out of its group; steps without any are left out. */
export function toParams(form, groups) {
  const params = {};
  for (const [name, values] of Object.entries(form ?? {})) {
    if (name in groups) Object.assign(params, values);
    else params[name] = values;
  }
  return Object.fromEntries(Object.entries(params).filter(([, values]) => !isEmpty(values)));
}

function isEmpty(values) {
  return values === undefined || Object.values(values ?? {}).every((value) => value === undefined);
}

function cardOf(groups) {
  return new Map(Object.entries(groups).flatMap(([title, steps]) => steps.map((step) => [step, title])));
}

/** Return the path of the field that shows a problem: the innermost one on the way to the problem's path. */
export function fieldPath(problem, schema, groups) {
  const path = problem.path?.length ? problem.path : [problem.step, problem.parameter].filter(Boolean);
  const card = cardOf(groups).get(path[0]);
  const wanted = card === undefined ? path : [card, ...path];
  const reached = [];
  let at = schema;
  for (const key of wanted) {
    at = inside(at, key);
    if (!at) break;
    // rjsf counts items with numbers.
    reached.push(/^\d+$/.test(key) ? Number(key) : key);
  }
  return reached;
}

/** Return the schema of a part of a value, undefined if the form has no field for it. */
function inside(schema, key) {
  const { items, properties, additionalProperties } = withoutNull(schema);
  const part = /^\d+$/.test(key) && items ? items : (properties?.[key] ?? additionalProperties);
  return part && typeof part === "object" ? part : undefined;
}

/** Return the titles on the way to the field of a problem, the last two of them. */
export function fieldTitle(problem, schema, groups) {
  const titles = [];
  let at = schema;
  for (const key of fieldPath(problem, schema, groups)) {
    at = inside(at, key);
    titles.push(typeof key === "number" ? `item ${key + 1}` : (at.title ?? key));
  }
  return titles.slice(-2).join(", ");
}

/** Return the id of the field at a path, which is the same as in rjsf's `fieldPathId`. */
export function fieldId(path) {
  return anchor(["root", ...path].join("."));
}

/** Return an id of rjsf as one that other attributes can refer to: titles of groups have spaces. */
export function anchor(id) {
  return id.replace(/[^\w.-]/g, (character) => `-${character.codePointAt(0).toString(16)}-`);
}
