"""One step of a plan, run by itself: its inputs come from other ops, its calls run as the command's do."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowlock_core.command.running import explained, open_pool
from flowlock_core.errors import WorkflowError
from flowlock_core.execute import Options, Plan, PlannedStep, Ref, RunLog, StepRecord, run_plan
from flowlock_core.execute.context import RunContext
from flowlock_core.execute.plan import Method
from flowlock_core.execute.scheduler import Opener, PlainOpener
from flowlock_core.execute.step_state import Calls
from flowlock_core.store.cache import CacheOptions, RunCache
from flowlock_core.store.cached_calls import CachedOpener
from flowlock_core.store.result import Result
from flowlock_dagster.step_output import StepOutput, log_after, output_of


@dataclass(frozen=True, kw_only=True, slots=True)
class StepCache:
    """Where the calls of a map are kept, and whether those of an earlier attempt count."""

    folder: Path
    workflow: str
    reuse: bool


class _GivenOpener:
    """Opens a step whose inputs other ops have made; the plan that runs has the step alone, without them."""

    def __init__(self, opener: Opener, step: PlannedStep, given: Mapping[str, Any]) -> None:
        self._opener, self._step, self._given = opener, step, given

    def calls(
        self, number: int, _step: PlannedStep, _results: Mapping[str, Any], context: RunContext, /
    ) -> Calls:
        """Return the calls of the step."""
        return self._opener.calls(number, self._step, self._given, context)

    def value_of(self, result: Any) -> Any:
        """Return the value of the step's result."""
        return self._opener.value_of(result)

    def release(self, result: Any) -> None:
        """Release the step's result."""
        self._opener.release(result)


def run_step(
    plan: Plan, step: PlannedStep, given: Mapping[str, StepOutput], options: Options, cache: StepCache
) -> tuple[StepOutput, StepRecord]:
    """Run a step with the results of those that it needs; return what it passes on, and what happened.

    A WorkflowError has the problems of what failed, without secrets.
    """
    log = log_after(given.values(), options.results)
    try:
        value = _run(step, {name: output.value for name, output in given.items()}, options, cache, log)
    except WorkflowError as error:
        raise explained(error, plan, log) from error
    return output_of(value, step.id, log, options.results, given.values()), log.records[0]


def _run(
    step: PlannedStep, values: Mapping[str, Any], options: Options, settings: StepCache, log: RunLog
) -> Any:
    alone = Plan(title="", steps=(replace(step, arguments={}, argvalues=None),), result=Ref(step.id))
    with open_pool(options, alone) as pool:
        if step.method is Method.CALL or not step.policy.cache:
            # Dagster keeps what a step gives: a call that has ended well does not run again.
            plain = _GivenOpener(PlainOpener(options, log), step, values)
            return run_plan(alone, options, pool, log, plain)
        cache = RunCache(
            CacheOptions(folder=settings.folder, reuse=settings.reuse),
            workflow=settings.workflow,
            results=options.results,
        )
        results = {name: Result(cache.store, value=value) for name, value in values.items()}
        try:
            cached = _GivenOpener(CachedOpener(cache, options, log), step, results)
            return run_plan(alone, options, pool, log, cached)
        finally:
            cache.close()
