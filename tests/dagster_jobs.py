"""Jobs of the examples, for the tests of flowlock-dagster; imported where Dagster can be imported."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.reconstruct import build_reconstructable_job

from flowlock_core.command.bundle import Bundle
from flowlock_core.parameters.params import load_params
from flowlock_core.results import to_json
from flowlock_dagster.executors import multiprocess
from flowlock_dagster.job import Shape, workflow_job
from shared import ROOT

EXAMPLES = ROOT / "examples"
COMPARED = ("carbon", "penguins", "clean-table", "wages")
# It leaves out the first years, so their steps are skipped.
EMPTY_PERIOD = {"time_range": {"since": "1970-01-01", "until": "1999-12-31"}}


def workflow_of(example: str) -> str:
    """Return `module:function` of an example, whose package can be imported from now on."""
    folder = str(EXAMPLES / example / f"flowlock-{example}-workflow")
    if folder not in sys.path:
        sys.path.append(folder)
    name = example.replace("-", "_")
    return f"flowlock_{name}_workflow.workflow:{name}"


def bundle_of(example: str) -> Bundle:
    """Return an example as its command sees it."""
    return Bundle.named(workflow_of(example))


def run_config(example: str, **changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters file of an example as a run config, with other parameters for some steps.

    The files that it names have absolute paths.
    """
    params = load_params(str(EXAMPLES / example / "params.yaml"))
    config: dict[str, Any] = to_json({**params.by_step, **changes})
    for values in config.values():
        for name, value in values.items():
            if isinstance(value, str) and (EXAMPLES / example / value).is_file():
                values[name] = str(EXAMPLES / example / value)
    return config


def job_of(example: str, kind: str) -> dg.JobDefinition:
    """Return the job of an example: `in-process`, `multiprocess` or `one-op`."""
    if kind == "multiprocess":
        # What a step loads, so that each of them need not.
        executor = multiprocess(max_concurrent=2, preload=["pandas", "pyarrow"])
        return workflow_job(workflow_of(example), executor=executor)
    return workflow_job(workflow_of(example), shape=Shape.ONE_OP if kind == "one-op" else Shape.STEPS)


def run(example: str, kind: str, config: Mapping[str, Any], instance: dg.DagsterInstance) -> Path:
    """Run an example; return the folder of its results."""
    job = build_reconstructable_job("dagster_jobs", "job_of", reconstructable_args=(example, kind))
    done = dg.execute_job(job, instance=instance, run_config=config)
    assert done.success
    return Path(instance.root_directory, "flowlock", done.dagster_run.job_name, done.run_id)


def run_all(folder: Path) -> None:
    """Run examples in processes, one after the other; a file of each has the path of its results."""
    with dg.DagsterInstance.local_temp(str(folder), {"telemetry": {"enabled": False}}) as instance:
        for example in COMPARED:
            results = run(example, "multiprocess", run_config(example), instance)
            (folder / example).write_text(str(results))
        config = run_config("carbon", period=EMPTY_PERIOD)
        (folder / "first years skipped").write_text(str(run("carbon", "multiprocess", config, instance)))


def small_job(function: str, shape: str) -> dg.JobDefinition:
    """Return the job of a small workflow."""
    return workflow_job(f"dagster_workflows:{function}", shape=Shape(shape))


if __name__ == "__main__":
    run_all(Path(sys.argv[1]))
