/** The controls of the form. Each keeps what was typed: nothing is rounded, shifted or filled in. */

import { ADDITIONAL_PROPERTY_FLAG } from "@rjsf/utils";
import { createContext } from "preact";
import { useContext, useRef } from "preact/hooks";
import { numberOf, typed } from "./exact.js";
import { anchor, DEFAULT, defaultText, emptied, NULLABLE } from "./schema.js";

/** The problems to show, and all that are known, by the id of their field. */
export const Problems = createContext({ shown: new Map(), known: new Map() });

/** The label of the union whose chosen type a control is for, an empty one for other controls. */
export const InUnion = createContext("");

/** Return the attributes that tie a control to its label, its description and its problems. */
function useControl({ id, schema, label, hideLabel, required, onBlur }) {
  const own = anchor(id);
  const problems = useContext(Problems).shown.get(own) ?? [];
  const union = useContext(InUnion);
  // No label is drawn for the items of a list, for the chosen type of a union, nor where the name can be edited.
  const unlabelled = hideLabel || union || /\.\d+$/.test(own) || ADDITIONAL_PROPERTY_FLAG in schema;
  return {
    id: own,
    "aria-label": unlabelled ? [union, label].filter(Boolean).join(", ") : undefined,
    "aria-required": required || undefined,
    "aria-invalid": problems.length ? true : undefined,
    "aria-describedby": unlabelled ? `${own}-problems` : `${own}-about ${own}-problems`,
    onBlur: () => onBlur(own),
  };
}

function isNumeric(schema) {
  return [schema.type].flat().some((type) => type === "number" || type === "integer");
}

function valueOf(text, schema) {
  if (text === "") return emptied(schema);
  return isNumeric(schema) ? (numberOf(text.trim()) ?? text) : text;
}

/** Return what an empty control shows: what it means that nothing is given, or that it was emptied. */
function placeholderOf(schema, value) {
  if (value === undefined) return defaultText(schema);
  return value === null ? "none" : "empty";
}

function TextControl(props) {
  const { schema, value, onChange, type = "text" } = props;
  const control = useControl(props);
  const numeric = isNumeric(schema);
  return (
    <input
      {...control}
      type={type}
      class={numeric ? "number" : schema.format === "path" ? "code" : ""}
      inputMode={numeric ? (schema.type === "integer" ? "numeric" : "decimal") : undefined}
      autoComplete="off"
      spellCheck={false}
      value={typed(value)}
      placeholder={placeholderOf(schema, value)}
      onInput={(event) => onChange(valueOf(event.currentTarget.value, schema))}
    />
  );
}

function SecretControl(props) {
  return <TextControl {...props} type="password" />;
}

function LongTextControl(props) {
  const { schema, value, onChange } = props;
  return (
    <textarea
      {...useControl(props)}
      rows={4}
      value={typed(value)}
      placeholder={placeholderOf(schema, value)}
      onInput={(event) => onChange(valueOf(event.currentTarget.value, schema))}
    />
  );
}

/**
 * A text for a date, with or without a time and a zone. The calendar only writes the day into it: the browser's
 * own control for times would demand a time, and rjsf's would shift it to UTC.
 */
function DateControl(props) {
  const { schema, value, onChange, label } = props;
  const control = useControl(props);
  const day = useRef(null);
  const example = schema.format === "time" ? "18:30" : schema.format === "date" ? "2026-01-31" : "2026-01-31 or 2026-01-31T18:30";
  const text = typed(value);
  const open = () => {
    day.current.value = isDay(text.slice(0, 10)) ? text.slice(0, 10) : "";
    day.current.showPicker();
  };
  const pick = (event) => {
    const rest = /^\d{4}-\d{2}-\d{2}(.*)$/.exec(text)?.[1] ?? "";
    if (event.currentTarget.value) onChange(event.currentTarget.value + rest);
  };
  return (
    <span class="with-button">
      <input
        {...control}
        type="text"
        class="number"
        autoComplete="off"
        spellCheck={false}
        value={text}
        placeholder={placeholderOf(schema, value) || example}
        onInput={(event) => onChange(event.currentTarget.value || emptied(schema))}
      />
      {schema.format !== "time" && (
        <>
          <input ref={day} class="calendar" type="date" tabIndex={-1} aria-hidden="true" onChange={pick} />
          <button type="button" class="quiet" aria-label={`Choose a day for ${label}`} onClick={open}>
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <path d="M2.5 4.5h11v9h-11zM2.5 7h11M5.5 2v3.5M10.5 2v3.5" />
            </svg>
          </button>
        </>
      )}
    </span>
  );
}

function isDay(text) {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

function nameOf(option) {
  return option === null ? "none" : typeof option === "boolean" ? (option ? "Yes" : "No") : String(option);
}

/** Return the choices of a select, with those for "not given" and for null where they can be chosen. */
function choicesOf(schema, options, required) {
  const choices = (options.enumOptions ?? []).filter((option) => option.value !== null);
  const usual = schema[DEFAULT];
  if (usual !== undefined) choices.unshift({ label: `Default: ${nameOf(usual)}`, value: undefined });
  else choices.unshift({ label: required ? "Choose…" : "Not set", value: undefined });
  if (schema[NULLABLE] && usual !== null) choices.push({ label: "None", value: null });
  return choices;
}

function Select({ choices, value, control, onChange }) {
  const chosen = choices.findIndex((choice) => choice.value === value);
  return (
    <select {...control} value={String(chosen)} onChange={(event) => onChange(choices[Number(event.currentTarget.value)].value)}>
      {chosen < 0 && (
        <option value="-1" disabled>
          {nameOf(typed(value))}
        </option>
      )}
      {choices.map((choice, number) => (
        <option key={number} value={String(number)}>
          {choice.label}
        </option>
      ))}
    </select>
  );
}

function SelectControl(props) {
  const { schema, options, value, required, multiple, onChange, name } = props;
  const control = useControl(props);
  if (multiple) return <CheckboxesControl {...props} />;
  // The choice between the types of a union always has a value.
  if (/__(any|one)of_select$/.test(name)) {
    const above = { ...control, "aria-describedby": `${control.id}-about` };
    return <Select choices={options.enumOptions} value={value} control={above} onChange={onChange} />;
  }
  return <Select choices={choicesOf(schema, options, required)} value={value} control={control} onChange={onChange} />;
}

function CheckboxControl(props) {
  const { schema, options, value, required, onChange, label } = props;
  const control = useControl({ ...props, hideLabel: false });
  if (schema[NULLABLE] || schema[DEFAULT] === undefined) {
    return <Select choices={choicesOf(schema, options, required)} value={value} control={control} onChange={onChange} />;
  }
  return (
    <label class="check">
      <input {...control} type="checkbox" checked={value ?? schema[DEFAULT]} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

function CheckboxesControl(props) {
  const { options, value, onChange, label } = props;
  const control = useControl(props);
  const chosen = Array.isArray(value) ? value : [];
  const toggle = (option, on) => {
    // In the order of the schema, whatever the order of the clicks was.
    const wanted = options.enumOptions.map((other) => other.value);
    onChange(wanted.filter((other) => (other === option ? on : chosen.includes(other))));
  };
  return (
    <div role="group" class="checks" id={control.id} tabIndex={-1} aria-label={label} aria-describedby={control["aria-describedby"]}>
      {options.enumOptions.map((option) => (
        <label class="check" key={String(option.value)}>
          <input type="checkbox" checked={chosen.includes(option.value)} onBlur={control.onBlur} onChange={(event) => toggle(option.value, event.currentTarget.checked)} />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}

export const widgets = {
  TextWidget: TextControl,
  EmailWidget: TextControl,
  URLWidget: TextControl,
  UpDownWidget: TextControl,
  RangeWidget: TextControl,
  ColorWidget: TextControl,
  FileWidget: TextControl,
  PasswordWidget: SecretControl,
  TextareaWidget: LongTextControl,
  DateWidget: DateControl,
  DateTimeWidget: DateControl,
  TimeWidget: DateControl,
  AltDateWidget: DateControl,
  AltDateTimeWidget: DateControl,
  SelectWidget: SelectControl,
  RadioWidget: SelectControl,
  CheckboxWidget: CheckboxControl,
  CheckboxesWidget: CheckboxesControl,
};
