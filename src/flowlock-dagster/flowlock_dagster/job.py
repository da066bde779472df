"""A compiled workflow as a job of Dagster: an op for each step, or one for all of them."""

import os
from collections.abc import Callable, Mapping
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import dagster as dg

from flowlock_core.command.bundle import Bundle
from flowlock_core.execute import trace
from flowlock_dagster.names import checked_job_name, free_name, graph_name, node_names, op_name
from flowlock_dagster.ops import (
    INPUT_PREFIX,
    OUTPUT,
    WorkflowJob,
    needed_for_result,
    result_op,
    step_op,
    whole_op,
)
from flowlock_dagster.partitions import TimePartitions
from flowlock_dagster.results import RESULTS_KEY, WorkflowResults
from flowlock_dagster.run_config import RunConfigCheck, config_schema

RESULT_NODE = "write_result"
WHOLE_NODE = "run_workflow"
# Set them where the location is deployed: a run then says what it ran.
_FROM_ENVIRONMENT = {"flowlock/commit": "FLOWLOCK_COMMIT", "flowlock/lock": "FLOWLOCK_LOCK"}


class Shape(Enum):
    """What a job's graph is made of."""

    # An op for each step: its status, its logs, and re-execution from it.
    STEPS = "steps"
    # One op, for workflows of many short steps.
    ONE_OP = "one-op"


def workflow_job(
    workflow: str,
    *,
    name: str | None = None,
    shape: Shape = Shape.STEPS,
    executor: dg.ExecutorDefinition = dg.in_process_executor,
    results: WorkflowResults | None = None,
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
    tags: Mapping[str, str] | None = None,
    partitions: TimePartitions | None = None,
) -> dg.JobDefinition:
    """Return the job of the workflow `package.module:function`, which is named as the function is.

    Its run config is the parameters file. Without `results`, they go to where `WorkflowResults()` says.
    `resources` are the others that it uses, such as an `io_manager`. With `partitions` the run config is made
    of that of a partition: Dagster allows no mapping of it beside, so the graph of the steps has the mapping.
    """
    bundle = Bundle.named(workflow)
    plan = trace(bundle.load())
    job = WorkflowJob(name=checked_job_name(name or bundle.function), bundle=bundle, plan=plan)
    graph, nodes = _steps_graph(job) if shape is Shape.STEPS else _whole_graph(job)
    mapping = dg.ConfigMapping(config_fn=_node_config(job, shape, nodes), config_schema=config_schema(plan))
    # Dagster takes its own console logger where none is named.
    named_loggers: dict[str, Any] = {key: {} for key in loggers or {}}
    if partitions is None:
        config: Any = dg.ConfigMapping(
            config_fn=lambda params: {"ops": mapping.config_fn(params), "loggers": named_loggers},
            config_schema=config_schema(plan),
        )
    else:
        graph = _partitioned_graph(job, graph, mapping)
        config = partitions.config(
            lambda params: {"ops": {job.name: {"config": params}}, "loggers": named_loggers}
        )
    return graph.to_job(
        name=job.name,
        description=_description(bundle, plan.title),
        config=config,
        executor_def=executor,
        resource_defs={RESULTS_KEY: results or WorkflowResults(), **(resources or {})},
        logger_defs=loggers or None,
        tags={**provenance(bundle.command), **(tags or {})},
    )


def _node_config(
    job: WorkflowJob, shape: Shape, nodes: Mapping[str, str]
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return the function that checks parameters, and makes of them the config of each op."""
    check = RunConfigCheck(plan=job.plan)

    def config_of(params: Mapping[str, Any]) -> dict[str, Any]:
        values = check.checked(params)
        if shape is Shape.ONE_OP:
            return {WHOLE_NODE: {"config": values}}
        return {nodes[step]: {"config": given} for step, given in values.items()}

    return config_of


def _partitioned_graph(
    job: WorkflowJob, graph: dg.GraphDefinition, mapping: dg.ConfigMapping
) -> dg.GraphDefinition:
    """Return a graph with that of the steps as its only node, which takes the parameters as its config."""
    inner = dg.GraphDefinition(
        name=op_name(job.name, "_steps"),
        node_defs=graph.node_defs,
        dependencies=graph.dependencies,
        config=mapping,
    )
    invocation = dg.NodeInvocation(inner.name, alias=job.name)
    return dg.GraphDefinition(name=graph.name, node_defs=[inner], dependencies={invocation: {}})


def provenance(distribution: str) -> dict[str, str]:
    """Return the tags of a run that say what it runs: version, commit and lock, as far as they are known."""
    tags = {tag: os.environ[name] for tag, name in _FROM_ENVIRONMENT.items() if os.environ.get(name)}
    try:
        return {"flowlock/version": version(distribution), **tags}
    except PackageNotFoundError:
        return tags


def _steps_graph(job: WorkflowJob) -> tuple[dg.GraphDefinition, dict[str, str]]:
    """Return the graph of an op for each step, and the names of the steps in it."""
    nodes = node_names(step.id for step in job.plan.steps)
    ops: list[dg.OpDefinition] = []
    dependencies: dict[dg.NodeInvocation, dict[str, dg.DependencyDefinition]] = {}

    def add(op: dg.OpDefinition, node: str, needs: list[str]) -> None:
        ops.append(op)
        dependencies[dg.NodeInvocation(op.name, alias=node)] = {
            INPUT_PREFIX + needed: dg.DependencyDefinition(nodes[needed], OUTPUT) for needed in needs
        }

    for step in job.plan.steps:
        add(step_op(job, step, nodes[step.id]), nodes[step.id], list(step.dependencies()))
    last = free_name(RESULT_NODE, nodes.values())
    add(result_op(job, last), last, needed_for_result(job.plan))
    graph = dg.GraphDefinition(name=graph_name(job.name), node_defs=ops, dependencies=dependencies)
    return graph, nodes


def _whole_graph(job: WorkflowJob) -> tuple[dg.GraphDefinition, dict[str, str]]:
    op = whole_op(job, WHOLE_NODE)
    invocation = dg.NodeInvocation(op.name, alias=WHOLE_NODE)
    return dg.GraphDefinition(name=graph_name(job.name), node_defs=[op], dependencies={invocation: {}}), {}


def _description(bundle: Bundle, title: str) -> str:
    schema = bundle.params_schema()
    words = [str(schema[key]) for key in ("title", "description") if schema.get(key)]
    return "\n\n".join(words) or title
