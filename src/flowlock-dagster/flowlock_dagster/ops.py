"""The ops of a workflow's job: one for each step, one that writes the result; or one that does all of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import dagster as dg

from flowlock_core.command.bundle import Bundle
from flowlock_core.command.reuse import Reuse
from flowlock_core.command.running import run_workflow
from flowlock_core.errors import WorkflowError
from flowlock_core.execute import Options, Plan, PlannedStep, StepRecord
from flowlock_core.execute.plan import refs_in, resolved
from flowlock_core.execute.record import Unobserved
from flowlock_dagster.names import op_name
from flowlock_dagster.results import RESULTS_KEY, WorkflowResults, materialization, write_result
from flowlock_dagster.run_config import inputs_folder
from flowlock_dagster.step_output import StepOutput, log_after, written_twice_in
from flowlock_dagster.step_run import StepCache, run_step

OUTPUT = "result"
INPUT_PREFIX = "in_"
Events: TypeAlias = Iterator[dg.AssetMaterialization | dg.Output[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowJob:
    """A workflow, its plan, and the name of the job that it becomes."""

    name: str
    bundle: Bundle
    plan: Plan

    @property
    def workflow(self) -> str:
        """What results of its calls are kept under."""
        return f"{self.bundle.package}:{self.bundle.function}"


class _Warnings(Unobserved):
    """Warns about the calls that fail and run again."""

    def __init__(self, context: dg.OpExecutionContext) -> None:
        self._context = context

    def retried(self, call: str, retry: int, retries: int, message: str) -> None:
        """Log why a call runs again."""
        self._context.log.warning("%s: retry %d of %d: %s", call, retry, retries, message)


class _Progress(_Warnings):
    """Logs also the end of each step, where Dagster does not see steps."""

    def finished(self, record: StepRecord) -> None:
        """Log how a step ended."""
        counts = (record.calls, record.skipped, record.reused)
        text = "%s: %s, %d calls, %d skipped, %d reused"
        self._context.log.info(text, record.id, record.status.value, *counts)


def step_op(job: WorkflowJob, step: PlannedStep, node: str) -> dg.OpDefinition:
    """Return the op of a step; its inputs are the outputs of the steps that it needs."""
    return dg.OpDefinition(
        compute_fn=partial(_run_step, job, step),
        name=op_name(job.name, node),
        ins={INPUT_PREFIX + needed: dg.In(dg.Any) for needed in step.dependencies()},
        outs={OUTPUT: dg.Out(dg.Any)},
        config_schema=dg.Field(dg.Permissive(), is_required=False),
        required_resource_keys={RESULTS_KEY},
        description=step.task.func.__doc__,
        tags={"flowlock/step": step.id, "flowlock/task": step.task.name},
    )


def result_op(job: WorkflowJob, node: str) -> dg.OpDefinition:
    """Return the op that writes the result, after all steps."""
    return dg.OpDefinition(
        compute_fn=partial(_write_result, job),
        name=op_name(job.name, node),
        ins={INPUT_PREFIX + needed: dg.In(dg.Any) for needed in needed_for_result(job.plan)},
        outs={OUTPUT: dg.Out(dg.Any)},
        required_resource_keys={RESULTS_KEY},
        description="Write result.json, and the page of a dashboard.",
    )


def whole_op(job: WorkflowJob, node: str) -> dg.OpDefinition:
    """Return the op that runs all steps and writes the result."""
    return dg.OpDefinition(
        compute_fn=partial(_run_whole, job),
        name=op_name(job.name, node),
        outs={OUTPUT: dg.Out(dg.Any)},
        config_schema=dg.Field(dg.Permissive(), is_required=False),
        required_resource_keys={RESULTS_KEY},
        description=job.plan.title,
    )


def needed_for_result(plan: Plan) -> list[str]:
    """Return the steps whose outputs the result is made of, and those that no other step needs."""
    needed = {step for planned in plan.steps for step in planned.dependencies()}
    last = [step.id for step in plan.steps if step.id not in needed]
    return list(dict.fromkeys([*refs_in(plan.result), *last]))


def _run_step(
    job: WorkflowJob, step: PlannedStep, context: dg.OpExecutionContext, inputs: Mapping[str, StepOutput]
) -> Events:
    results: WorkflowResults = context.resources.workflow_results
    options = Options(
        params={step.id: context.op_config or {}},
        base=inputs_folder(),
        results=results.of_run(context.run, context.instance),
        observer=_Warnings(context),
    )
    cache = StepCache(folder=results.cache(context.instance), workflow=job.workflow, reuse=_goes_on(context))
    with _shown_failures():
        output, record = run_step(job.plan, step, _by_step(inputs), options, cache)
    yield dg.Output(output, OUTPUT, metadata=_counts(record))


def _write_result(
    job: WorkflowJob, context: dg.OpExecutionContext, inputs: Mapping[str, StepOutput]
) -> Events:
    results: WorkflowResults = context.resources.workflow_results
    given = _by_step(inputs)
    twice = written_twice_in(given.values())
    if twice is not None:
        name, step = twice
        raise dg.Failure(
            f"FL732 {step}.filename: another step of this run wrote {name} at the same time\n"
            f"  hint: give each step its own file name",
            allow_retries=False,
        )
    folder = results.of_run(context.run, context.instance)
    log = log_after(given.values(), folder)
    result = resolved(job.plan.result, {step: output.value for step, output in given.items()})
    yield from _written(job, context, result, log.inputs)


def _run_whole(job: WorkflowJob, context: dg.OpExecutionContext, _inputs: Mapping[str, StepOutput]) -> Events:
    results: WorkflowResults = context.resources.workflow_results
    options = Options(
        params=context.op_config or {},
        base=inputs_folder(),
        results=results.of_run(context.run, context.instance),
        observer=_Progress(context),
    )
    reuse = Reuse(folder=results.cache(context.instance), workflow=job.workflow, resume=_goes_on(context))
    with _shown_failures():
        result, log = run_workflow(job.bundle.load(), options, reuse=reuse)
    yield from _written(job, context, result, log.inputs)


def _written(job: WorkflowJob, context: dg.OpExecutionContext, result: Any, inputs: set[Path]) -> Events:
    """Write the result, and yield the events that tell of it."""
    results: WorkflowResults = context.resources.workflow_results
    folder = results.of_run(context.run, context.instance)
    with _shown_failures():
        paths = write_result(job.bundle, result, folder, inputs)
    addresses = {path.name: results.address(path, context.instance) for path in paths}
    yield materialization(job.name, result, addresses)
    yield dg.Output([str(path) for path in paths], OUTPUT)


def _by_step(inputs: Mapping[str, StepOutput]) -> dict[str, StepOutput]:
    return {name.removeprefix(INPUT_PREFIX): output for name, output in inputs.items()}


def _goes_on(context: dg.OpExecutionContext) -> bool:
    """Return whether this is not the first attempt, so that what earlier ones have kept is reused."""
    return context.run.parent_run_id is not None or context.retry_number > 0


@contextmanager
def _shown_failures() -> Iterator[None]:
    """Turn an error of a workflow into what Dagster shows: its problems, with codes, places and ways out."""
    try:
        yield
    except WorkflowError as error:
        problems = [problem.as_json() for problem in error.problems]
        metadata = {"problems": dg.MetadataValue.json(problems)}
        # The exception behind it may hold values that must not be shown.
        raise dg.Failure(str(error), metadata=metadata) from None


def _counts(record: StepRecord) -> dict[str, Any]:
    return {
        "status": record.status.value,
        "calls": record.calls,
        "skipped": record.skipped,
        "reused": record.reused,
    }
