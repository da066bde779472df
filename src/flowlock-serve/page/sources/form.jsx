/** The form of the parameters, and the panel from which a run starts. */

import RjsfForm from "@rjsf/core";
import { TranslatableString, englishStringTranslator } from "@rjsf/utils";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { numberOf } from "./exact.js";
import { fieldId, fieldPath, fieldTitle, forForm, toParams } from "./schema.js";
import { freshKey, service } from "./service.js";
import { templates } from "./templates.jsx";
import validator from "./validator.js";
import { Problems, widgets } from "./widgets.jsx";
import { sentence } from "./words.js";

// Milliseconds without typing after which the service checks what was typed.
const PAUSE = 300;
const EXECUTORS = {
  sequential: "One step after another",
  threads: "Threads",
  processes: "Processes",
  dask: "Dask",
};

// Constants apart, which tell the types of a union from each other.
const NOTHING_FILLED_IN = { emptyObjectFields: "skipEmptyDefaults", arrayMinItems: { populate: "requiredOnly" } };

/** A field whose text becomes a number in the widget: rjsf's own would round it, and read commas by locale. */
function NumberField(props) {
  const { StringField } = props.registry.fields;
  return <StringField {...props} />;
}

const fields = { NumberField };

function translated(text, parameters) {
  return text === TranslatableString.NewStringDefault ? "" : englishStringTranslator(text, parameters);
}

/** Return the service's problems by field, and those of the request itself under an empty id. */
function byField(problems, form) {
  const fieldsOf = new Map();
  for (const problem of problems) {
    const path = fieldPath(problem, form.schema, form.groups);
    const id = path.length ? fieldId(path) : "";
    fieldsOf.set(id, [...(fieldsOf.get(id) ?? []), problem]);
  }
  return fieldsOf;
}

/** Open what a field is folded into, and move the focus there. */
function reveal(id) {
  const field = document.getElementById(id);
  if (!field) return;
  for (let part = field.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  field.focus();
  field.scrollIntoView({ block: "center" });
}

let pressed = false;
for (const [event, now] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
  addEventListener(event, () => { pressed = now; }, true);
}

/** Do something when no pointer is pressed: what is about to be clicked must not move away. */
function whenReleased(action) {
  if (pressed) setTimeout(whenReleased, 50, action);
  else action();
}

/** Keep the service's opinion of the parameters, asked whenever typing pauses. */
function useProblems(params, mockIo, form) {
  const [problems, setProblems] = useState([]);
  const asked = useRef(0);
  useEffect(() => {
    const number = ++asked.current;
    const timer = setTimeout(async () => {
      const answer = await service.check(params, mockIo).catch((error) => ({ problems: error.problems ?? [] }));
      // An answer about what was typed before is of no use.
      if (number === asked.current) setProblems(answer.problems);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [params, mockIo]);
  return [useMemo(() => byField(problems, form), [problems, form]), setProblems];
}

export function ParameterForm({ form, data, onData, onStarted }) {
  const [touched, setTouched] = useState(new Set());
  const [tried, setTried] = useState(false);
  const [refusal, setRefusal] = useState(null);
  const [busy, setBusy] = useState(false);
  const [options, setOptions] = useState({ executor: "sequential", jobs: "", mock_io: false, keep_going: false });
  const key = useRef(freshKey());
  const summary = useRef(null);

  const params = useMemo(() => toParams(data, form.groups), [data, form]);
  const [known, setProblems] = useProblems(params, options.mock_io, form);
  const shown = useMemo(() => {
    if (tried) return known;
    const isTouched = (id) => touched.has(id) || [...touched].some((other) => other.startsWith(`${id}.`));
    return new Map([...known].filter(([id]) => id && isTouched(id)));
  }, [known, touched, tried]);
  const problems = useMemo(() => ({ shown, known }), [shown, known]);
  const schema = useMemo(() => forForm(form.schema), [form]);
  const change = useCallback((value, path) => onData((before) => withValue(before, path, value)), [onData]);
  const context = useMemo(() => ({ groups: form.groups, change }), [form, change]);

  async function start() {
    if (busy) return;
    setTried(true);
    setBusy(true);
    setRefusal(null);
    const jobs = options.jobs.trim() === "" ? null : (numberOf(options.jobs.trim()) ?? options.jobs);
    try {
      const run = await service.start({ params, ...options, jobs }, key.current);
      key.current = freshKey();
      setTried(false);
      setTouched(new Set());
      onStarted(run);
    } catch (error) {
      // What was refused is not a run, so the next try is another request.
      if (error.status) key.current = freshKey();
      setProblems(error.problems);
      setRefusal(error);
      requestAnimationFrame(() => summary.current?.focus());
    } finally {
      setBusy(false);
    }
  }

  return (
    <Problems.Provider value={problems}>
      <RjsfForm
        className="parameters"
        schema={schema}
        uiSchema={form.uiSchema}
        formData={data}
        formContext={context}
        validator={validator}
        widgets={widgets}
        templates={templates}
        fields={fields}
        translateString={translated}
        idSeparator="."
        experimental_defaultFormStateBehavior={NOTHING_FILLED_IN}
        noHtml5Validate
        noValidate
        showErrorList={false}
        onChange={(event) => onData(event.formData)}
        onBlur={(id) => whenReleased(() => setTouched((before) => new Set(before).add(id)))}
        onSubmit={start}
      >
        <aside class="start" aria-label="Start a run">
          <RunOptions options={options} onOptions={setOptions} />
          <button type="submit" class="primary" aria-disabled={busy}>
            {busy ? "Starting…" : "Start the run"}
          </button>
          <div ref={summary} tabIndex={-1} class="summary" role="group" aria-label="Problems">
            {refusal && <Refusal refusal={refusal} problems={shown} form={form} />}
          </div>
          <Verdict known={known} tried={tried} />
        </aside>
      </RjsfForm>
    </Problems.Provider>
  );
}

/** Return form data with another value at a path. */
function withValue(data, [key, ...rest], value) {
  const copy = Array.isArray(data) ? [...data] : { ...data };
  if (rest.length) copy[key] = withValue(copy[key], rest, value);
  else if (value === undefined) delete copy[key];
  else copy[key] = value;
  return copy;
}

function RunOptions({ options, onOptions }) {
  const set = (name, value) => onOptions({ ...options, [name]: value });
  return (
    <>
      <div class="field">
        <label for="executor">Run with</label>
        <select id="executor" value={options.executor} onChange={(event) => set("executor", event.currentTarget.value)}>
          {Object.entries(EXECUTORS).map(([name, title]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </div>
      {options.executor !== "sequential" && (
        <div class="field">
          <label for="jobs">Calls at once</label>
          <input id="jobs" class="number" type="text" inputMode="numeric" autoComplete="off" placeholder="as many as cores" value={options.jobs} onInput={(event) => set("jobs", event.currentTarget.value)} />
        </div>
      )}
      <label class="check">
        <input type="checkbox" checked={options.keep_going} onChange={(event) => set("keep_going", event.currentTarget.checked)} />
        <span>Go on after a failed step</span>
      </label>
      <label class="check">
        <input type="checkbox" checked={options.mock_io} onChange={(event) => set("mock_io", event.currentTarget.checked)} />
        <span>Replace input and output by examples</span>
      </label>
    </>
  );
}

/** Why a run did not start: what the service said, with a link to each field. */
function Refusal({ refusal, problems, form }) {
  const entries = [...problems].flatMap(([id, list]) => list.map((problem) => [id, problem]));
  if (!entries.length && refusal.problems.length) return null;
  return (
    <>
      <h3>The run was not started</h3>
      {!entries.length && <p>{refusal.text}</p>}
      <ul>
        {entries.map(([id, problem]) => (
          <li key={`${id} ${problem.message}`}>
            {id ? (
              <a href={`#${id}`} onClick={(event) => { event.preventDefault(); reveal(id); }}>
                {fieldTitle(problem, form.schema, form.groups)}
              </a>
            ) : null}
            {id ? ": " : ""}
            {sentence(problem)}
          </li>
        ))}
      </ul>
    </>
  );
}

function Verdict({ known, tried }) {
  if (tried && known.size) return null;
  return <p class="muted verdict">{known.size ? `${known.size === 1 ? "One value is" : `${known.size} values are`} missing or wrong.` : "Checked: ready to start."}</p>;
}
