"""Jobs of workflows: their names, what fails in them, and what a second attempt does."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowlock_core.errors import WorkflowError

if TYPE_CHECKING:
    import dagster as dg

    from flowlock_dagster.job import Shape


def job_of(function: str, **options: Any) -> "dg.JobDefinition":
    from flowlock_dagster.job import workflow_job

    return workflow_job(f"dagster_workflows:{function}", **options)


def shapes() -> list["Shape"]:
    from flowlock_dagster.job import Shape

    return list(Shape)


def ran(
    job: "dg.JobDefinition", instance: "dg.DagsterInstance", **config: Any
) -> "dg.ExecuteInProcessResult":
    return job.execute_in_process(run_config=config, instance=instance, raise_on_error=False)


def result_of(run: "dg.ExecuteInProcessResult", instance: "dg.DagsterInstance") -> Any:
    folder = Path(instance.root_directory, "flowlock", run.dagster_run.job_name, run.run_id)
    return json.loads((folder / "result.json").read_text())["result"]


def failure_of(run: "dg.ExecuteInProcessResult") -> str:
    assert not run.success
    (failed,) = [event for event in run.all_events if event.is_step_failure]
    return str(failed.step_failure_data.user_failure_data.description)


def test_ids_that_dagster_reserves_are_steps_under_another_name(instance: "dg.DagsterInstance") -> None:
    run = ran(job_of("reserved"), instance, config={"value": 1})
    assert run.success
    assert result_of(run, instance) == 5
    steps = {event.step_key for event in run.all_events if event.is_step_success}
    assert steps == {"config__", "config_", "input_", "write_result", "type_", "write_result_"}


def test_workflows_with_equal_ids_are_one_location() -> None:
    import dagster as dg

    from flowlock_dagster.names import op_name

    jobs = [job_of("reserved", name=name) for name in ("a", "a_ver_2", "a__", "a__config_")]
    repository = dg.Definitions(jobs=jobs).get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} == {"a", "a_ver_2", "a__", "a__config_"}
    pairs = [("a", "b__c"), ("a__b", "c"), ("a_", "_b"), ("a", "___b"), ("a__b_4", "c"), ("n4__a", "b")]
    assert len({op_name(*pair) for pair in pairs}) == len(pairs)


@pytest.mark.parametrize("name", ["class", "type", "ver-2", "v1.2", "1st", "é", ""])
def test_a_name_that_dagster_would_refuse_is_refused(name: str) -> None:
    from flowlock_dagster.names import checked_job_name

    with pytest.raises(WorkflowError) as error:
        checked_job_name(name)
    assert [problem.code for problem in error.value.problems] == ["FL797"]


def test_what_a_task_says_reaches_dagster_with_its_code_and_way_out(
    instance: "dg.DagsterInstance", tmp_path: Path
) -> None:
    for shape in shapes():
        job = job_of("mapped", shape=shape)
        run = ran(job, instance, first={"value": 1}, several={"folder": str(tmp_path)})
        text = failure_of(run)
        assert "FL732 several[2].folder: not ready yet" in text
        assert "hint: make it ready" in text


def test_an_attempt_that_goes_on_reuses_the_calls_that_have_ended_and_completes_the_results(
    instance: "dg.DagsterInstance", tmp_path: Path
) -> None:
    import dagster as dg
    from dagster._core.definitions.reconstruct import build_reconstructable_job

    for shape in ("steps", "one-op"):
        folder = tmp_path / shape
        folder.mkdir()
        config = {"first": {"value": 1}, "several": {"folder": str(folder)}}
        job = build_reconstructable_job("dagster_jobs", "small_job", reconstructable_args=("mapped", shape))
        first = dg.execute_job(job, instance=instance, run_config=config, raise_on_error=False)
        assert not first.success
        assert (folder / "marks").read_text() == "1\n"
        (folder / "ready").touch()
        again = dg.ReexecutionOptions.from_failure(first.run_id, instance)
        second = dg.execute_job(job, instance=instance, run_config=config, reexecution_options=again)
        assert second.success
        # The first of the three calls did not run again.
        assert (folder / "marks").read_text() == "1\n2\n3\n"
        runs = Path(instance.root_directory, "flowlock/mapped")
        assert json.loads((runs / first.run_id / "result.json").read_text())["result"] == [1, 9]
        assert not (runs / second.run_id).exists()


def test_a_run_that_is_not_another_attempt_reuses_nothing(
    instance: "dg.DagsterInstance", tmp_path: Path
) -> None:
    (tmp_path / "ready").touch()
    for _ in range(2):
        run = ran(job_of("mapped"), instance, first={"value": 1}, several={"folder": str(tmp_path)})
        assert run.success
    assert (tmp_path / "marks").read_text() == "1\n2\n3\n" * 2


def test_a_call_that_fails_runs_again_as_its_policy_says(
    instance: "dg.DagsterInstance", tmp_path: Path
) -> None:
    run = ran(job_of("retried"), instance, once={"folder": str(tmp_path)})
    assert run.success


def test_two_steps_that_write_one_file_fail_the_run(instance: "dg.DagsterInstance") -> None:
    assert "wrote a.txt" in failure_of(ran(job_of("twice"), instance))
    assert "already wrote a.txt" in failure_of(ran(job_of("twice_in_order"), instance))


def test_a_value_of_the_environment_is_not_in_what_dagster_shows(
    instance: "dg.DagsterInstance", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWLOCK_TEST_SECRET", "planted-4711")
    run = ran(job_of("leaks"), instance)
    assert "${{ env.FLOWLOCK_TEST_SECRET }}" in failure_of(run)
    assert "planted-4711" not in "".join(map(repr, run.all_events))


def test_a_run_says_what_it_runs(instance: "dg.DagsterInstance", monkeypatch: pytest.MonkeyPatch) -> None:
    from flowlock_dagster.job import provenance

    monkeypatch.setenv("FLOWLOCK_COMMIT", "abc123")
    monkeypatch.setenv("FLOWLOCK_LOCK", "def456")
    tags = provenance("flowlock-core")
    assert tags["flowlock/version"]
    assert (tags["flowlock/commit"], tags["flowlock/lock"]) == ("abc123", "def456")
    run = ran(job_of("reserved"), instance, config={"value": 1})
    assert run.dagster_run.tags["flowlock/commit"] == "abc123"


def test_an_output_says_what_its_step_did(instance: "dg.DagsterInstance", tmp_path: Path) -> None:
    (tmp_path / "ready").touch()
    run = ran(job_of("mapped"), instance, first={"value": 1}, several={"folder": str(tmp_path)})
    (output,) = [
        event.step_output_data
        for event in run.all_events
        if event.event_type_value == "STEP_OUTPUT" and event.step_key == "several"
    ]
    values = {name: value.value for name, value in output.metadata.items()}
    assert values == {"status": "done", "calls": 3, "skipped": 0, "reused": 0}


def test_a_dashboard_is_an_event_with_a_link_and_a_preview(
    instance: "dg.DagsterInstance", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_jobs import EXAMPLES, run_config, workflow_of
    from flowlock_dagster.job import workflow_job
    from flowlock_dagster.results import WorkflowResults

    monkeypatch.setenv("FLOWLOCK_INPUTS", str(EXAMPLES / "penguins"))
    results = WorkflowResults(folder=str(tmp_path / "r"), url="https://results.example/")
    job = workflow_job(workflow_of("penguins"), results=results)
    run = job.execute_in_process(run_config=run_config("penguins"), instance=instance)
    (event,) = [event for event in run.all_events if event.event_type_value == "ASSET_MATERIALIZATION"]
    metadata = event.materialization.metadata
    address = f"https://results.example/penguins/{run.run_id}/dashboard.html"
    assert metadata["dashboard_html"].value == address
    assert (tmp_path / "r/penguins" / run.run_id / "dashboard.html").is_file()
    assert event.asset_key.path == ["penguins", "dashboard"]
    assert metadata["preview"].value.startswith("## Palmer penguins\n")
    assert "\n- Mean flipper length" in metadata["preview"].value
