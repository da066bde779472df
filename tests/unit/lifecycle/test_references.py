"""Where files refer to a workflow, and where words only look like that."""

import pytest

from flowlock.documents import toml
from flowlock.lifecycle.references import WorkflowNames, in_jobs, in_settings, in_texts

NAMES = WorkflowNames(
    name="clean-table", distribution="flowlock-clean-table-workflow", folder="examples/clean-table"
)


@pytest.mark.parametrize(
    "line",
    [
        "see [the example](../examples/clean-table)",
        "from flowlock_clean_table_workflow.workflow import clean_table",
        "run: flowlock-clean-table-workflow run",
        'path = "examples/clean-table/params.yaml"',
    ],
)
def test_package_and_folder_are_found(line: str) -> None:
    (problem,) = in_texts({"a.md": f"first\n  {line}\n"}, NAMES)
    assert problem.code == "FL961"
    assert problem.location is not None
    assert (problem.location.file, problem.location.line) == ("a.md", 2)


@pytest.mark.parametrize(
    "line",
    [
        "clean-table",
        "examples/clean-tables",
        "my-examples/clean-table-2",
        "flowlock-clean-table-workflow-2",
        "old/examples/clean-table",
    ],
)
def test_what_is_only_alike_is_not(line: str) -> None:
    assert not list(in_texts({"a.md": line}, NAMES))


@pytest.mark.parametrize(
    "code",
    [
        'dg.ScheduleDefinition(name="x", job_name="clean_table", cron_schedule="0 6 * * *")',
        'notification_sensor([], jobs=["other", "clean_table"])',
        '@dg.schedule(cron_schedule="* * * * *", job_name="clean_table")\ndef f(): ...',
    ],
)
def test_jobs_that_are_named_by_hand_are_found(code: str) -> None:
    (problem,) = in_jobs({"a.py": code}, NAMES)
    assert "clean_table" in problem.message


@pytest.mark.parametrize("code", ['title("clean_table")', 'f(job="other")', "not python ("])
def test_other_words_are_not(code: str) -> None:
    assert not list(in_jobs({"a.py": code}, NAMES))


def test_each_schedule_is_named_with_its_line() -> None:
    text = '[location.schedules.a]\nworkflow = "clean-table"\n[location.schedules.b]\nworkflow = "x"\n'
    (problem,) = in_settings(toml.read(text, "flowlock.toml", code="FL302"), NAMES)
    assert problem.location is not None
    assert (problem.location.line, "schedule a" in problem.message) == (2, True)
