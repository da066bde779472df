"""A whole run: every problem of the parameters first, then the steps."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowlock_core.command.reuse import Reuse, warn_about_cache
from flowlock_core.connections import MOCKED
from flowlock_core.errors import DataFile, Problem, UsageError, WorkflowError
from flowlock_core.execute import Executor, Options, Run, RunLog, Workflow, run_plan, trace
from flowlock_core.execute.mocks import IO_TAG
from flowlock_core.execute.plan import Plan
from flowlock_core.execute.pool import Pool
from flowlock_core.execute.pools import InlinePool, ThreadPool
from flowlock_core.execute.pools.limiter import Limiter
from flowlock_core.execute.variables import variables_of, without_values
from flowlock_core.masking import masked, masked_problem
from flowlock_core.parameters.checks import check_params
from flowlock_core.store.cached_calls import CachedOpener


def _ignore(_plan: Plan, _log: RunLog) -> None:
    pass


def _unchanged(pool: Pool) -> Pool:
    return pool


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooks:
    """What is called before the first step: `begin` with what runs, `wrap` with the pool that executes it."""

    begin: Callable[[Plan, RunLog], None] = _ignore
    wrap: Callable[[Pool], Pool] = _unchanged


NO_HOOKS = Hooks()


def run_workflow(
    main: Workflow,
    options: Options,
    problems: Sequence[Problem] = (),
    *,
    reuse: Reuse | None = None,
    hooks: Hooks = NO_HOOKS,
) -> tuple[Any, RunLog]:
    """Check the parameters against every step, then run; return the last step's result, and what happened.

    A WorkflowError holds every problem of the parameters, those that are known already first, and then
    nothing has run. Without `reuse` no result is kept, and none is reused. The hooks are
    called before the first step.
    """
    plan = trace(main)
    _check(plan, options, problems)
    log = RunLog()
    try:
        if reuse is None:
            hooks.begin(plan, log)
            return _execute(main, plan, options, log, hooks), log
        chosen = reuse.plan(plan)
        hooks.begin(chosen, log)
        return _execute_with_cache(chosen, options, log, reuse, hooks), log
    except UsageError:
        raise
    except WorkflowError as error:
        raise explained(error, plan, log) from error


def explained(error: WorkflowError, plan: Plan, log: RunLog) -> WorkflowError:
    """Return the error of a run as it is shown: with the files behind it, and without secrets."""
    variables = variables_of(plan)
    told = [_with_data(problem, plan, log) for problem in error.problems]
    problems = [masked_problem(_without_values(problem, variables)) for problem in told]
    return WorkflowError(masked(error.message), problems=problems)


def _check(plan: Plan, options: Options, problems: Sequence[Problem]) -> None:
    """Raise the problems of the parameters together with the `problems` that are already known."""
    others = parameter_problems(plan, options, {"base": options.base, MOCKED: options.mock_io})
    # If the parameters of a step cannot be read, it has no other problems.
    unreadable = {problem.step for problem in problems if problem.step and problem.parameter is None}
    others = [problem for problem in others if problem.step not in unreadable]
    if problems or others:
        raise WorkflowError("the parameters are not valid for the workflow", problems=[*problems, *others])


def parameter_problems(plan: Plan, options: Options, context: Mapping[str, Any]) -> list[Problem]:
    """Return every problem of the parameters of a run; `context` is what values are validated with."""
    return check_params(plan, options.params, context=context, mocked=_mocked(plan, options))


def _execute(main: Workflow, plan: Plan, options: Options, log: RunLog, hooks: Hooks) -> Any:
    if options.executor is Executor.EAGER:
        options.observer.started(len(plan.steps))
        return main(Run(options, log))
    with open_pool(options, plan) as pool:
        return run_plan(plan, options, hooks.wrap(pool), log)


def _execute_with_cache(plan: Plan, options: Options, log: RunLog, reuse: Reuse, hooks: Hooks) -> Any:
    cache = reuse.cache(plan, options)
    try:
        with open_pool(options, plan, reuse.folder) as pool:
            return run_plan(plan, options, hooks.wrap(pool), log, CachedOpener(cache, options, log))
    finally:
        cache.close()
        warn_about_cache(cache)


@contextmanager
def open_pool(options: Options, plan: Plan, *folders: Path) -> Iterator[Pool]:
    """Yield what executes the calls of a plan, which use the results folder and some other `folders`."""
    if options.executor is Executor.THREADS:
        with Limiter.open() as limiter, ThreadPool.of(options.jobs, limiter.run) as threads:
            yield threads
    elif options.executor is Executor.PROCESSES:
        from flowlock_core.execute.pools.processes import ProcessPool

        with ProcessPool.of(options.jobs) as processes:
            yield processes
    elif options.executor is Executor.DASK:
        from flowlock_core.cluster.dask_pool import dask_pool

        with dask_pool(plan, options.scheduler, options.jobs, (options.results, *folders)) as workers:
            yield workers
    else:
        with Limiter.open() as limiter:
            yield InlinePool(limiter.run)


def _without_values(problem: Problem, variables: Mapping[str, str]) -> Problem:
    """Return a problem in which the name of a variable replaces its value, which may be a secret.

    A problem without a detail has the words of a task that knew what it said.
    """
    if not problem.detail:
        return problem
    message = without_values(problem.message, variables)
    return replace(problem, message=message, detail=without_values(problem.detail, variables))


def _mocked(plan: Plan, options: Options) -> list[str]:
    by_example = [step.id for step in plan.steps if options.mock_io and IO_TAG in step.task.tags]
    return [*by_example, *options.mocks]


def _with_data(problem: Problem, plan: Plan, run: RunLog) -> Problem:
    """Add to a problem of a table which files the table was made from, or which examples stood for them."""
    if problem.step is None:
        return problem
    before = _needed(plan, problem.step.partition("[")[0])
    examples = [step for step in before if step in run.mocks and run.mocks[step].packaged]
    if examples:
        step = examples[0]
        way_out = (
            f"the step `{step}` used its packaged example {run.mocks[step].path}, which does not fit; "
            f"set another file under `mocks: {{{step}: file}}` of a test case, or run without --mock-io"
        )
        return replace(problem, hint=f"{problem.hint}; {way_out}" if problem.hint else way_out)
    if problem.code != "FL731":
        return problem
    data = [DataFile(step=step, path=path) for step in before for path in sorted(run.inputs_of.get(step, ()))]
    return replace(problem, data=tuple(data))


def _needed(plan: Plan, step: str) -> Collection[str]:
    """Return a step and all whose results it was made from."""
    needed: dict[str, None] = {}
    left = [step]
    while left:
        step_id = left.pop()
        if step_id not in needed:
            needed[step_id] = None
            left += plan.step(step_id).dependencies()
    return needed
