/** What the events of a run say about its steps. */

export const FINAL = new Set(["done", "failed", "cancelled", "interrupted"]);

/** Return what is known of a run without any event. */
export function nothingYet() {
  return { steps: {}, problems: [] };
}

/** Return the progress after one line of the run's log. Events may come again: a stream starts over. */
export function afterEvent(progress, event) {
  switch (event.event) {
    case "run started":
      return nothingYet();
    case "step running":
      return withStep(progress, event.step, { status: "running", done: event.done, total: event.total });
    case "call retried":
      return withStep(progress, event.step, { status: "running", retried: event.message });
    case "step ended": {
      const counts = event.calls > 1 ? { done: event.calls, total: event.calls } : {};
      return withStep(progress, event.step, { ...counts, status: event.status, seconds: event.seconds });
    }
    case "run ended":
      return { ...progress, problems: event.problems ?? [] };
    default:
      return progress;
  }
}

function withStep(progress, id, change) {
  return { ...progress, steps: { ...progress.steps, [id]: { ...progress.steps[id], ...change } } };
}

/**
 * Return the state of each step, the running ones too.
 *
 * The log says when a step ends. Sequential runs go through the steps in order; on other executors, a step
 * runs when those that it needs have ended.
 */
export function stepStates(steps, progress, run) {
  const states = { ...progress.steps };
  if (run.state !== "running" && run.state !== "cancelling") return states;
  const ended = (id) => states[id] !== undefined && states[id].status !== "running";
  const waiting = steps.filter((step) => !ended(step.id));
  const running =
    run.executor === "sequential"
      ? waiting.slice(0, 1)
      : waiting.filter((step) => step.needs.every((needed) => ended(needed)));
  for (const step of running) states[step.id] = { ...states[step.id], status: "running" };
  return states;
}

/** Return how many steps have ended. */
export function endedSteps(progress) {
  return Object.values(progress.steps).filter((step) => step.status !== "running").length;
}
