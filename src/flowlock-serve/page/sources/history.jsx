/** The runs of the service, newest first. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { FINAL } from "./progress.js";
import { service } from "./service.js";
import { duration, moment, STATES } from "./words.js";

const PAGE = 20;
// Milliseconds between two looks while a run is not over, which another page may have started.
const PAUSE = 5000;

/** Return the known runs, whether there are more, and functions that load the newest and the next page. */
export function useHistory() {
  const [runs, setRuns] = useState([]);
  const next = useRef(null);
  const [more, setMore] = useState(false);

  const refresh = useCallback(async () => {
    const page = await service.runs({ limit: PAGE }).catch(() => null);
    if (!page) return;
    setRuns((before) => {
      const ids = new Set(page.runs.map((run) => run.id));
      // The first page replaces what it covers; a run that was removed is not on it.
      const last = page.runs.at(-1)?.created ?? "";
      const older = page.next ? before.filter((run) => !ids.has(run.id) && run.created < last) : [];
      if (older.length === 0) next.current = page.next;
      return [...page.runs, ...older];
    });
    setMore(page.next !== null || next.current !== null);
  }, []);

  const loadMore = useCallback(async () => {
    const page = await service.runs({ limit: PAGE, cursor: next.current });
    next.current = page.next;
    setMore(page.next !== null);
    setRuns((before) => [...before, ...page.runs.filter((run) => before.every((other) => other.id !== run.id))]);
  }, []);

  useEffect(() => { refresh(); }, []);
  const active = runs.some((run) => !FINAL.has(run.state));
  useEffect(() => {
    const look = () => document.visibilityState === "visible" && refresh();
    document.addEventListener("visibilitychange", look);
    const timer = active ? setInterval(look, PAUSE) : undefined;
    return () => {
      document.removeEventListener("visibilitychange", look);
      clearInterval(timer);
    };
  }, [active]);
  return { runs, more, refresh, loadMore };
}

export function History({ history, selected }) {
  return (
    <nav class="history" aria-labelledby="history-title">
      <div class="panel-head">
        <h2 id="history-title">Runs</h2>
        <a class="button" href="#" aria-current={selected ? undefined : "page"}>New run</a>
      </div>
      {history.runs.length === 0 && <p class="muted">No runs yet.</p>}
      <ol>
        {history.runs.map((run) => (
          <li key={run.id}>
            <a href={`#run=${encodeURIComponent(run.id)}`} aria-current={run.id === selected ? "page" : undefined}>
              <span class={`state state-${run.state}`}>{STATES[run.state]}</span>
              <span>{moment(run.created)}</span>
              <span class="muted">
                {FINAL.has(run.state) ? duration(run.seconds) : `${run.steps?.ended ?? 0}/${run.steps?.total ?? 0}`}
              </span>
            </a>
          </li>
        ))}
      </ol>
      {history.more && <button type="button" class="small" onClick={history.loadMore}>Older runs</button>}
    </nav>
  );
}
