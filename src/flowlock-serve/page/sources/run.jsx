/** One run: its progress on the graph, its steps, log and results, and what can be done with it. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { toJson } from "./exact.js";
import { Graph, titlesOf } from "./graph.jsx";
import { afterEvent, endedSteps, FINAL, nothingYet, stepStates } from "./progress.js";
import { service } from "./service.js";
import { asSentence, duration, moment, sentence, STATES, STEP_STATES } from "./words.js";

// Milliseconds: between two looks at the log of a running run, and before a stream that was refused is tried again.
const LOG_PAUSE = 2000;
const STREAM_PAUSE = 3000;

/** Follow a run: return it with its progress, and a function that loads it again. */
function useRun(id, onChanged) {
  const [run, setRun] = useState(null);
  const [progress, setProgress] = useState(nothingYet());
  const [error, setError] = useState(null);
  // A run that goes on after its end, by `resume`, has a new stream.
  const [stream, setStream] = useState(0);

  const load = () => service.run(id).then((loaded) => { setRun(loaded); setError(null); onChanged(); }, setError);

  useEffect(() => {
    setRun(null);
    load();
  }, [id]);

  useEffect(() => {
    setProgress(nothingYet());
    let again;
    const events = service.events(id);
    events.addEventListener("log", (event) => {
      const line = JSON.parse(event.data);
      setProgress((before) => afterEvent(before, line));
    });
    events.addEventListener("state", (event) => {
      const { state, steps } = JSON.parse(event.data);
      setRun((before) => before && { ...before, state, steps });
      if (FINAL.has(state)) events.close();
      load();
    });
    events.addEventListener("error", () => {
      // The browser goes on by itself, from the last event that it saw, unless it was refused.
      if (events.readyState === EventSource.CLOSED) again = setTimeout(() => setStream(stream + 1), STREAM_PAUSE);
    });
    return () => {
      clearTimeout(again);
      events.close();
    };
  }, [id, stream]);

  return { run, progress, error, load, follow: () => setStream((before) => before + 1) };
}

export function RunView({ id, steps, drawing, onReuse, onChanged, onRemoved, onOpen, announce }) {
  const { run, progress, error, load, follow } = useRun(id, onChanged);
  const [refusal, setRefusal] = useState(null);
  const heading = useRef(null);
  const titles = useMemo(() => titlesOf(drawing), [drawing]);
  const states = useMemo(() => (run ? stepStates(steps, progress, run) : {}), [steps, progress, run]);

  useEffect(() => heading.current?.focus({ preventScroll: true }), [id, run === null]);
  useEffect(() => { if (run) announce(`The run is ${STATES[run.state].toLowerCase()}.`); }, [run?.state]);

  if (error && !run) return <p class="notice">{error.text}</p>;
  if (!run) return <p class="muted">Loading the run…</p>;

  const act = (action) => async () => {
    setRefusal(null);
    try {
      await action();
    } catch (problem) {
      setRefusal(problem);
    }
  };
  const ended = FINAL.has(run.state);
  const cancel = act(async () => { await service.cancel(id); await load(); });
  const resume = act(async () => {
    const resumed = await service.resume(id);
    if (resumed.id !== id) return onOpen(resumed.id);
    await load();
    follow();
  });
  const remove = act(async () => {
    if (!confirm("Remove this run with its results?")) return;
    await service.remove(id);
    onRemoved();
  });

  return (
    <>
      <div class="run-head">
        <h2 ref={heading} tabIndex={-1}>
          Run of {moment(run.created)}
        </h2>
        <span class={`state state-${run.state}`}>{STATES[run.state]}</span>
        <div class="actions">
          {!ended && <button type="button" aria-disabled={run.state === "cancelling"} onClick={cancel}>Cancel</button>}
          {ended && run.state !== "done" && <button type="button" class="primary" onClick={resume}>Resume</button>}
          <button type="button" onClick={() => onReuse(run.params)}>Use these parameters again</button>
          {ended && <button type="button" onClick={remove}>Remove</button>}
        </div>
      </div>
      <Progress run={run} progress={progress} total={steps.length} />
      {refusal && <p class="notice" role="alert">{refusal.text}</p>}
      <RunProblems problems={run.problems?.length ? run.problems : progress.problems} />
      {run.dashboard && <Dashboard url={run.dashboard} />}
      {drawing && (
        <section class="panel" aria-labelledby="graph-title">
          <h3 id="graph-title">Progress</h3>
          <Graph drawing={drawing} states={states} label="The steps of the workflow, drawn" />
        </section>
      )}
      <section class="panel" aria-labelledby="steps-title">
        <h3 id="steps-title">Steps</h3>
        <Steps steps={steps} states={states} titles={titles} rest={ended ? "not run" : "waiting"} />
      </section>
      {run.results?.length > 0 && <Results run={run} />}
      <Log id={id} ended={ended} />
      <details class="section">
        <summary><h3>Parameters</h3></summary>
        <pre class="inside" tabIndex={0}>{toJson(run.params ?? {}, 2)}</pre>
      </details>
    </>
  );
}

/** Return how long a run has taken, which goes on while it runs. */
function useSeconds(run) {
  const [now, setNow] = useState(Date.now());
  const ended = FINAL.has(run.state) || !run.started;
  useEffect(() => {
    if (ended) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [ended]);
  return ended ? run.seconds : Math.max(0, Math.floor((now - new Date(run.started)) / 1000));
}

function Progress({ run, progress, total }) {
  const seconds = useSeconds(run);
  const ended = Math.max(endedSteps(progress), run.steps?.ended ?? 0);
  const of = run.steps?.total || total;
  const facts = [
    `${ended} of ${of} steps`,
    duration(seconds),
    run.executor,
    run.resumed_from && "resumed",
  ];
  return (
    <div class="progress">
      <progress aria-label="Steps that have ended" value={ended} max={of} class={`state-${run.state}`} />
      <p class="muted">{facts.filter(Boolean).join(" · ")}</p>
    </div>
  );
}

function RunProblems({ problems }) {
  if (!problems?.length) return null;
  return (
    <section class="notice" aria-labelledby="problems-title">
      <h3 id="problems-title">What went wrong</h3>
      <ul>
        {problems.map((problem) => (
          <li key={problem.message}>
            {problem.step && <strong>{[problem.step, problem.parameter].filter(Boolean).join(".")}: </strong>}
            {sentence(problem)}
            {problem.hint && <span class="hint"> {asSentence(problem.hint)}</span>}
            {problem.code && <span class="muted"> {problem.code}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Steps({ steps, states, titles, rest }) {
  return (
    <ol class="steps">
      {steps.map((step) => {
        const state = states[step.id];
        const counts = state?.total > 1 ? ` ${state.done}/${state.total}` : "";
        return (
          <li key={step.id} class={state ? `step-${state.status.replace(" ", "-")}` : "step-waiting"}>
            <span class="dot" aria-hidden="true" />
            <span class="name">{titles.get(step.id) || step.title || step.id}</span>
            <span class="muted">
              {state ? STEP_STATES[state.status] : rest}
              {counts}
              {state?.seconds >= 0.05 ? ` · ${duration(state.seconds)}` : ""}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** The dashboard has scripts in it, and is shown in a frame that has no part in this page's session. */
function Dashboard({ url }) {
  return (
    <section class="panel" aria-labelledby="dashboard-title">
      <div class="panel-head">
        <h3 id="dashboard-title">Dashboard</h3>
        <a href={url} target="_blank" rel="noopener noreferrer">Open in a new tab</a>
      </div>
      <iframe src={url} title="Dashboard" sandbox="allow-scripts allow-downloads" loading="lazy" />
    </section>
  );
}

function Results({ run }) {
  return (
    <section class="panel" aria-labelledby="results-title">
      <h3 id="results-title">Results</h3>
      <ul class="files">
        {run.results.map((path) => (
          <li key={path}>
            <a href={service.resultUrl(run.id, path)} download={path.split("/").at(-1)}>{path}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Log({ id, ended }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  useEffect(() => {
    if (!open) return undefined;
    const look = () => service.log(id).then(setText, (error) => setText(error.message));
    look();
    if (ended) return undefined;
    const timer = setInterval(look, LOG_PAUSE);
    return () => clearInterval(timer);
  }, [id, open, ended]);
  return (
    <details class="section" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary><h3>Log</h3></summary>
      <pre class="inside" tabIndex={0}>{text || "Nothing was printed."}</pre>
    </details>
  );
}
