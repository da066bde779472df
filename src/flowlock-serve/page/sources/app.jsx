/** The page: a header, the runs, and beside them the form or one run. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ParameterForm } from "./form.jsx";
import { Graph, useDrawing } from "./graph.jsx";
import { History, useHistory } from "./history.jsx";
import { RunView } from "./run.jsx";
import { toForm } from "./schema.js";

/** Return the id of the run that the address names, and follow its changes. */
function useSelected() {
  const read = () => new URLSearchParams(location.hash.slice(1)).get("run");
  const [selected, setSelected] = useState(read());
  useEffect(() => {
    const follow = () => setSelected(read());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return selected;
}

function open(run) {
  location.hash = run ? `run=${encodeURIComponent(run)}` : "";
}

export function App({ workflow, form }) {
  const [data, setData] = useState({});
  // Other parameters from outside make another form, which shows what is given.
  const [reused, setReused] = useState(0);
  const [message, setMessage] = useState("");
  const selected = useSelected();
  const history = useHistory();
  const drawing = useDrawing();
  const heading = useRef(null);
  const title = workflow.title || workflow.name;

  useEffect(() => { document.title = selected ? `Run · ${title}` : title; }, [selected, title]);
  const announce = useCallback((text) => setMessage(text), []);
  const reuse = (params) => {
    setData(toForm(params ?? {}, form.groups));
    setReused((before) => before + 1);
    open(null);
    announce("The parameters of the run are in the form.");
  };
  useEffect(() => { if (reused && !selected) heading.current.focus(); }, [reused, selected]);

  return (
    <>
      <a class="skip-link" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main").focus(); }}>
        Skip to the content
      </a>
      <Header title={title} description={workflow.description} version={workflow.version} />
      <div class="layout">
        <History history={history} selected={selected} />
        <main id="main" tabIndex={-1}>
          {selected ? (
            <RunView key={selected} id={selected} steps={workflow.steps} drawing={drawing} onReuse={reuse} onChanged={history.refresh}
              onRemoved={() => { open(null); history.refresh(); }} onOpen={open} announce={announce} />
          ) : null}
          {/* The form stays, so that what was typed is still there after a look at a run. */}
          <div hidden={Boolean(selected)}>
            <h2 ref={heading} tabIndex={-1}>Parameters</h2>
            <ParameterForm key={reused} form={form} data={data} onData={setData} onStarted={(run) => { history.refresh(); open(run.id); }} />
            {!selected && drawing && (
              <details class="section drawing">
                <summary>
                  <h3>The workflow</h3>
                  <span class="count">{workflow.steps.length} steps</span>
                </summary>
                <div class="inside">
                  <Graph drawing={drawing} states={NO_STATES} label="The steps of the workflow, drawn" />
                </div>
              </details>
            )}
          </div>
        </main>
      </div>
      <div class="unseen" role="status">{message}</div>
    </>
  );
}

const NO_STATES = {};

export function Header({ title, description, version }) {
  const media = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : media.matches);
  const [dark, setDark] = useState(isDark());
  useEffect(() => {
    const follow = () => setDark(isDark());
    media.addEventListener("change", follow);
    return () => media.removeEventListener("change", follow);
  }, []);
  const turn = () => {
    root.dataset.theme = dark ? "light" : "dark";
    setDark(!dark);
  };
  return (
    <header class="page-head">
      <div>
        <h1>{title}</h1>
        {description && <p class="lead">{description}</p>}
      </div>
      <div class="actions">
        {/* A workflow that is not installed has the version 0. */}
        {version && version !== "0" && <span class="muted">version {version}</span>}
        <button type="button" onClick={turn}>{dark ? "Light theme" : "Dark theme"}</button>
      </div>
    </header>
  );
}
