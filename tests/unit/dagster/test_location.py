"""A location of workflows and of packages with jobs that are written by hand."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowlock_core.errors import WorkflowError

if TYPE_CHECKING:
    import dagster as dg

HAND_WRITTEN = """
import dagster as dg

@dg.op(required_resource_keys={{"greeting"}})
def greet(context):
    context.log.info(context.resources.greeting)

@dg.job
def {job}():
    greet()

@dg.schedule(cron_schedule="0 6 * * *", job_name="{job}")
def {job}_daily():
    return {{}}

defs = dg.Definitions(jobs=[{job}], schedules=[{job}_daily], resources={{"greeting": "not taken"}})

def made():
    return defs
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site: Path, name: str, source: str, attribute: str = "defs") -> None:
    """Install a distribution with an entry point of the group."""
    module = name.replace("-", "_")
    (site / f"{module}.py").write_text(source)
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[flowlock.dagster]\n{module} = {module}:{attribute}\n")
    sys.modules.pop(module, None)


def single(name: str) -> "dg.JobDefinition":
    from flowlock_dagster.job import workflow_job

    return workflow_job("dagster_workflows:single", name=name)


def refused(*packages: str, jobs: tuple[str, ...] = ("single",)) -> list[tuple[str, str]]:
    from flowlock_dagster.location import definitions_of

    with pytest.raises(WorkflowError) as error:
        definitions_of(jobs=[single(name) for name in jobs], packages=packages)
    return [(problem.code, problem.message) for problem in error.value.problems]


@pytest.mark.parametrize("attribute", ["defs", "made"])
def test_jobs_of_packages_get_the_resources_of_the_location(
    attribute: str, site: Path, instance: "dg.DagsterInstance"
) -> None:
    import dagster as dg

    from flowlock_dagster.location import definitions_of

    install(site, "hand-written", HAND_WRITTEN.format(job="greeting_job"), attribute)
    defs = definitions_of(
        jobs=[single("single")], packages=["hand-written"], resources={"greeting": "good morning"}
    )
    dg.Definitions.validate_loadable(defs)
    assert {job.name for job in defs.get_repository_def().get_all_jobs()} == {"single", "greeting_job"}
    job = defs.get_job_def("greeting_job")
    run = job.execute_in_process(instance=instance)
    assert run.success
    assert "good morning" in {entry.user_message for entry in instance.all_logs(run.run_id)}
    assert [schedule.name for schedule in defs.schedules or ()] == ["greeting_job_daily"]


def test_every_broken_package_is_named_with_what_is_wrong_and_the_others_load(
    site: Path,
) -> None:
    import dagster as dg

    from flowlock_dagster.location import definitions_of, problems_in

    install(site, "raises", "raise RuntimeError('no table')")
    install(site, "gives-other", "defs = 3")
    install(site, "lacks", "", "absent")
    install(site, "sound", HAND_WRITTEN.format(job="sound_job"))
    install(site, "brings-nothing", "")
    (site / "brings_nothing-1.0.dist-info/entry_points.txt").write_text("")
    packages = ["raises", "gives-other", "lacks", "sound", "brings-nothing", "not-installed"]
    defs = definitions_of(jobs=[single("single")], packages=packages, resources={"greeting": "hello"})
    dg.Definitions.validate_loadable(defs)
    assert {job.name for job in defs.get_repository_def().get_all_jobs()} == {"single", "sound_job"}
    found = problems_in(defs)
    assert [problem.code for problem in found] == ["FL798"] * 5
    words = "\n".join(problem.message for problem in found)
    assert "the package raises cannot be loaded (raises:defs): RuntimeError: no table" in words
    assert "gives_other:defs is not a dagster.Definitions" in words
    assert "the package lacks cannot be loaded (lacks:absent)" in words
    assert "brings-nothing has no entry point in the group flowlock.dagster" in words
    assert "not-installed is not installed" in words


def test_jobs_of_one_name_are_refused_with_both_owners(site: Path) -> None:
    install(site, "first", HAND_WRITTEN.format(job="same"))
    install(site, "second", HAND_WRITTEN.format(job="same"))
    assert refused("first", "second", jobs=()) == [
        ("FL799", "the job `same` is defined by both first and second")
    ]
    assert refused("first", jobs=("same",)) == [
        ("FL799", "the job `same` is defined by both the location and first")
    ]
    assert refused(jobs=("twice", "twice")) == [("FL799", "the job `twice` is defined by the location twice")]


def test_a_schedule_runs_a_workflow_with_its_parameters() -> None:
    import dagster as dg

    from flowlock_dagster.location import definitions_of, workflow_schedule

    job = single("single")
    schedule = workflow_schedule(
        "daily", job, cron="0 6 * * *", timezone="Europe/Berlin", params={"only": {"value": 7}}
    )
    definitions_of(jobs=[job], schedules=[schedule]).get_repository_def().get_all_jobs()
    with dg.build_schedule_context() as context:
        requests = list(schedule.evaluate_tick(context).run_requests)
    assert len(requests) == 1
    assert requests[0].run_config == {"only": {"value": 7}}
    assert schedule.execution_timezone == "Europe/Berlin"
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
