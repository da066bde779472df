/** How rjsf lays the form out: steps and groups as sections, a label above each control, problems below it. */

import { ADDITIONAL_PROPERTY_FLAG, canExpand } from "@rjsf/utils";
import { useContext, useState } from "preact/hooks";
import { anchor, DEFAULT, defaultText, NULLABLE } from "./schema.js";
import { asSentence, sentence } from "./words.js";
import { InUnion, Problems } from "./widgets.jsx";

// A step with a required parameter and more optional ones than this shows the optional ones on demand.
const FEW = 4;

/** The problems of a field, each with its hint. The list is always there, so that it can be referred to. */
function FieldProblems({ id, description }) {
  const problems = useContext(Problems).shown.get(id) ?? [];
  return (
    <ul class="problems" id={`${id}-problems`}>
      {problems.map((problem) => (
        <li key={problem.message}>
          {sentence(problem)}
          {problem.hint && problem.hint !== description && <span class="hint"> {asSentence(problem.hint)}</span>}
        </li>
      ))}
    </ul>
  );
}

function About({ id, description, help }) {
  return (
    <p class="about" id={`${id}-about`}>
      {[description, help].filter(Boolean).join(" ")}
    </p>
  );
}

/** A button that forgets what was given, where that means something else than giving it. */
function UseDefault({ label, schema, formData, required, registry, fieldPathId }) {
  const given = formData !== undefined;
  if (!given || required || typeof fieldPathId.path.at(-1) !== "string") return null;
  const usual = schema[DEFAULT] === undefined ? "" : `: ${defaultText(schema) || "empty"}`;
  return (
    <button type="button" class="link" title={`Use the default${usual}`} onClick={() => registry.formContext.change(undefined, fieldPathId.path)}>
      reset<span class="unseen"> {label} to its default</span>
    </button>
  );
}

function Required({ required }) {
  return required ? <span class="required" aria-hidden="true"> required</span> : null;
}

function FieldTemplate(props) {
  const { children, hidden, schema, fieldPathId } = props;
  const id = anchor(fieldPathId.$id);
  const chosen = useContext(InUnion);
  const type = [schema.type].flat()[0];
  const isItem = typeof fieldPathId.path.at(-1) === "number";
  const isList = type === "array" && !schema.uniqueItems;
  // rjsf gives what can have one value only.
  if (hidden || schema.const !== undefined) return null;
  if (ADDITIONAL_PROPERTY_FLAG in schema) return <NamedValue {...props} id={id} />;
  if (schema.anyOf || schema.oneOf) return <Field {...props} id={`${id}__${schema.oneOf ? "oneof" : "anyof"}_select`} />;
  // These draw their own label.
  if (type === "object" || isList) return <InUnion.Provider value="">{children}</InUnion.Provider>;
  if (chosen || isItem) {
    return (
      <div class="field">
        {children}
        <FieldProblems id={id} />
      </div>
    );
  }
  return (
    <Field {...props} id={id}>
      {children}
      <FieldProblems id={id} description={props.rawDescription} />
    </Field>
  );
}

/** A control under its label, and above what it is about. */
function Field(props) {
  const { id, children, schema, label, required, rawDescription, rawHelp, uiSchema } = props;
  const type = [schema.type].flat()[0];
  const wide = type === "array" || uiSchema?.["ui:widget"] === "textarea";
  const tick = type === "boolean" && !schema[NULLABLE] && schema[DEFAULT] !== undefined;
  return (
    <div class={`field${wide ? " wide" : ""}`}>
      {!tick && (
        <div class="label">
          <span>
            <label for={id}>{label}</label>
            <Required required={required} />
          </span>
          <UseDefault {...props} />
        </div>
      )}
      {children}
      <About id={id} description={rawDescription} help={rawHelp} />
    </div>
  );
}

/** A value whose name is given, too. */
function NamedValue({ id, label, children, onKeyRenameBlur, onRemoveProperty }) {
  return (
    <div class="named">
      <input id={`${id}-key`} type="text" aria-label="Name" defaultValue={label} onBlur={onKeyRenameBlur} />
      {children}
      <button type="button" class="quiet" aria-label={`Remove ${label}`} onClick={onRemoveProperty}>
        ×
      </button>
      <FieldProblems id={id} />
    </div>
  );
}

function ObjectTemplate(props) {
  const { fieldPathId, registry } = props;
  const depth = fieldPathId.path.length;
  if (depth === 0) return <div class="sections">{props.properties.map((property) => property.content)}</div>;
  if (depth === 1) return <Section {...props} />;
  const inGroup = fieldPathId.path[0] in registry.formContext.groups;
  return depth === 2 && inGroup ? <Step {...props} /> : <Nested {...props} />;
}

/** A step, or a group of steps, that folds. It is open at first if something must be given in it, or is given. */
function Section(props) {
  const { title, description, schema, fieldPathId, formData, registry } = props;
  const [open] = useState(Boolean(schema.required?.length) || givenIn(formData) > 0);
  const id = anchor(fieldPathId.$id);
  const isGroup = fieldPathId.path[0] in registry.formContext.groups;
  return (
    <details class="section" open={open}>
      <summary>
        <h3 id={id} tabIndex={-1}>
          {title}
        </h3>
        <Counts id={id} data={formData} />
      </summary>
      <div class="inside">
        {description && <p class="about">{description}</p>}
        <FieldProblems id={id} />
        {isGroup ? props.properties.map((property) => property.content) : <Fields {...props} />}
      </div>
    </details>
  );
}

/** What the summary of a section says: its problems, what is still to be given, or how many values are given. */
function Counts({ id, data }) {
  const { shown, known } = useContext(Problems);
  const wrong = countIn(shown, id);
  if (wrong) return <span class="count bad">{wrong === 1 ? "1 problem" : `${wrong} problems`}</span>;
  const missing = countIn(known, id);
  if (missing) return <span class="count">{missing === 1 ? "1 value missing" : `${missing} values missing`}</span>;
  const given = givenIn(data);
  return <span class="count">{given ? `${given} set` : "defaults"}</span>;
}

function countIn(problems, id) {
  return [...problems.keys()].filter((field) => field === id || field.startsWith(`${id}.`)).length;
}

function givenIn(data) {
  if (data === undefined) return 0;
  if (data === null || typeof data !== "object" || Array.isArray(data)) return 1;
  return Object.values(data).reduce((total, part) => total + givenIn(part), 0);
}

function Step(props) {
  const id = anchor(props.fieldPathId.$id);
  return (
    <section class="step" aria-labelledby={id}>
      <h4 id={id} tabIndex={-1}>
        {props.title}
      </h4>
      <FieldProblems id={id} />
      <Fields {...props} />
    </section>
  );
}

function Nested(props) {
  const { title, description } = props;
  const id = anchor(props.fieldPathId.$id);
  return (
    <fieldset class="field wide nested" id={id} tabIndex={-1}>
      <legend>{title}</legend>
      <UseDefault {...props} label={title} />
      {description && <p class="about">{description}</p>}
      <FieldProblems id={id} description={description} />
      <Fields {...props} />
    </fieldset>
  );
}

function Fields(props) {
  const { properties, schema, formData, uiSchema, onAddProperty, title } = props;
  const required = new Set(schema.required ?? []);
  const shown = properties.filter((property) => !property.hidden);
  const optional = shown.filter(({ name }) => !required.has(name));
  const fold = required.size > 0 && optional.length > FEW;
  const later = shown.filter(({ name }) => schema.properties[name]?.["ecoscope:advanced"] || (fold && !required.has(name)));
  const first = shown.filter((property) => !later.includes(property));
  const [open] = useState(later.some(({ name }) => givenIn(formData?.[name]) > 0));
  return (
    <>
      <div class="fields">{first.map((property) => property.content)}</div>
      {later.length > 0 && (
        <details class="more" open={open}>
          <summary>
            {later.length} more {later.length === 1 ? "option" : "options"}
            <span class="unseen"> of {title}</span>
          </summary>
          <div class="fields">{later.map((property) => property.content)}</div>
        </details>
      )}
      {canExpand(schema, uiSchema, formData) && (
        <button type="button" class="small" onClick={onAddProperty}>
          Add a value<span class="unseen"> to {title}</span>
        </button>
      )}
    </>
  );
}

/** A list of values, whose items can be moved and removed. */
function ListTemplate(props) {
  const { title, items, canAdd, onAddClick, fieldPathId, schema, required, formData, uiSchema } = props;
  const id = anchor(fieldPathId.$id);
  const usual = defaultText(schema);
  return (
    <fieldset class="field wide list" id={id} tabIndex={-1} aria-describedby={`${id}-about ${id}-problems`}>
      <legend>
        {title}
        <Required required={required} />
      </legend>
      {items.length > 0 && <div class="items">{items}</div>}
      <div class="label">
        {canAdd && (
          <button type="button" class="small" onClick={onAddClick}>
            Add<span class="unseen"> to {title}</span>
          </button>
        )}
        {items.length === 0 && (
          <span class="muted">{formData === undefined && usual ? `default: ${usual}` : "an empty list"}</span>
        )}
        <UseDefault {...props} label={title} />
      </div>
      <About id={id} description={schema.description} help={uiSchema?.["ui:help"]} />
      <FieldProblems id={id} description={schema.description} />
    </fieldset>
  );
}

function ItemTemplate({ children, buttonsProps, index, parentUiSchema, totalItems }) {
  const { onMoveUpItem, onMoveDownItem, onRemoveItem, hasMoveUp, hasMoveDown, hasRemove } = buttonsProps;
  const place = `item ${index + 1}`;
  return (
    <div class="item">
      {children}
      <div class="buttons">
        {totalItems > 1 && (
          <>
            <button type="button" class="quiet" aria-label={`Move ${place} up`} disabled={!hasMoveUp} onClick={onMoveUpItem}>
              ↑
            </button>
            <button type="button" class="quiet" aria-label={`Move ${place} down`} disabled={!hasMoveDown} onClick={onMoveDownItem}>
              ↓
            </button>
          </>
        )}
        {hasRemove && (
          <button type="button" class="quiet" aria-label={`Remove ${place}`} onClick={onRemoveItem}>
            ×
          </button>
        )}
      </div>
    </div>
  );
}

function UnionTemplate({ schema, selector, optionSchemaField }) {
  return (
    <div class="union">
      {selector}
      <InUnion.Provider value={schema.title ?? "Value"}>{optionSchemaField}</InUnion.Provider>
    </div>
  );
}

const nothing = () => null;

export const templates = {
  FieldTemplate,
  ObjectFieldTemplate: ObjectTemplate,
  ArrayFieldTemplate: ListTemplate,
  ArrayFieldItemTemplate: ItemTemplate,
  MultiSchemaFieldTemplate: UnionTemplate,
  DescriptionFieldTemplate: nothing,
  FieldHelpTemplate: nothing,
  FieldErrorTemplate: nothing,
  ErrorListTemplate: nothing,
};
