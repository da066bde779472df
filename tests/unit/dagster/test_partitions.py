"""Partitions by time: the run of a partition is that of the command with its time range."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowlock_core.cli import main
from shared import ROOT

if TYPE_CHECKING:
    import dagster as dg


def monthly(**params: Any) -> "dg.JobDefinition":
    import dagster as dg

    from dagster_jobs import workflow_of
    from flowlock_dagster.job import workflow_job
    from flowlock_dagster.partitions import TimePartitions

    partitions = TimePartitions(
        definition=dg.MonthlyPartitionsDefinition(start_date="1990-01-01", timezone="Pacific/Honolulu"),
        parameter="period.time_range",
        params=params,
    )
    return workflow_job(workflow_of("carbon"), partitions=partitions)


def test_the_run_of_a_partition_is_that_of_the_command_with_its_time_range(
    instance: "dg.DagsterInstance", tmp_path: Path
) -> None:
    from dagster_jobs import workflow_of

    data = ROOT / "examples/carbon/mauna-loa.csv"
    job = monthly(weekly={"path": str(data)}, dashboard={"title": "One month"})
    done = job.execute_in_process(partition_key="1990-02-01", instance=instance)
    assert done.success
    results = Path(instance.root_directory, "flowlock/carbon", done.run_id)
    of_dagster = json.loads((results / "result.json").read_text())
    settings = {
        "weekly.path": str(data),
        "dashboard.title": "One month",
        "period.time_range": "{since: 1990-02-01T00:00:00, until: 1990-02-28T23:59:59.999999}",
    }
    arguments = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    target = tmp_path / "of the command"
    quiet = ["run", "--quiet", "--no-cache", "--no-history", "--results", str(target)]
    assert main(workflow_of("carbon"), [*quiet, *arguments]) == 0
    assert of_dagster == json.loads((target / "result.json").read_text())


def test_parameters_of_partitions_are_checked_before_a_run(instance: "dg.DagsterInstance") -> None:
    import dagster as dg

    job = monthly(weekly={"path": 3}, dashboard={"title": "One month"})
    with pytest.raises(dg.DagsterError, match=r"FL728 weekly\.path"):
        job.execute_in_process(partition_key="1990-02-01", instance=instance)
    assert instance.get_runs() == []
