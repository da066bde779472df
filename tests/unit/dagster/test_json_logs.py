"""The JSON logger: a line for each message and each event, without secrets."""

import json
from typing import TYPE_CHECKING

import pytest

from flowlock_core.masking import remember

if TYPE_CHECKING:
    import dagster as dg


def test_each_line_is_an_object_with_the_run_the_job_and_the_step(
    instance: "dg.DagsterInstance", capsys: pytest.CaptureFixture[str]
) -> None:
    import dagster as dg

    from flowlock_dagster.json_logs import json_logger

    remember("planted-4711")

    def speak(context: dg.OpExecutionContext) -> None:
        context.log.warning("the key is planted-4711 é")

    graph = dg.GraphDefinition(name="spoken", node_defs=[dg.op(speak)])
    loggers = {"json": {"config": {"level": "DEBUG"}}}
    spoken = graph.to_job(logger_defs={"json": json_logger}, config={"loggers": loggers})
    done = spoken.execute_in_process(instance=instance)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    (said,) = [line for line in lines if line["message"].startswith("the key")]
    assert said["message"] == "the key is *** é"
    assert (said["level"], said["job"], said["step"], said["run"]) == (
        "warning",
        "spoken",
        "speak",
        done.run_id,
    )
    assert {"STEP_START", "STEP_SUCCESS", "RUN_SUCCESS"} <= {line["event"] for line in lines}


def test_a_workflow_logs_in_json_if_its_job_has_the_logger(
    instance: "dg.DagsterInstance", capsys: pytest.CaptureFixture[str]
) -> None:
    from flowlock_dagster.job import Shape, workflow_job
    from flowlock_dagster.json_logs import json_logger

    job = workflow_job("dagster_workflows:single", shape=Shape.ONE_OP, loggers={"json": json_logger})
    job.execute_in_process(run_config={"only": {"value": 1}}, instance=instance)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert "only: done, 1 calls, 0 skipped, 0 reused" in [line["message"] for line in lines]
