"""The life of a workflow beside a real Dagster: what it still does is asked, and old runs stay readable."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from checkout import Checkout, Outcome
from flowlock import workspace
from flowlock.commands.hand_written import write_metadata
from flowlock.lifecycle.dagster_jobs import in_dagster
from servers.dagster_stack import BIN, Stack, dagster_stack
from shared import ROOT, require_part

# The jobs of the location as it is compiled, and one with partitions and a sensor, which waits as well.
DEFINITIONS = """
import os
import time

import dagster as dg
from flowlock_rivers_location import definitions


@dg.op
def waits():
    while os.path.exists(os.environ["HOLD"]):
        time.sleep(0.1)


@dg.job(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
def monthly():
    waits()


@dg.sensor(job=monthly, default_status=dg.DefaultSensorStatus.RUNNING, minimum_interval_seconds=3600)
def nothing_new():
    return dg.SkipReason("nothing")


defs = dg.Definitions(
    jobs=[*definitions.defs.jobs, monthly], schedules=definitions.defs.schedules, sensors=[nothing_new]
)
"""
SCHEDULE = """
[location.schedules.yearly]
workflow = "hello"
cron = "0 6 1 1 *"
running = true
"""
HELD = """    import os, time
    while os.path.exists(os.environ["HOLD"]):
        time.sleep(0.1)
    return df.assign"""
BACKFILL = """
mutation ($set: String!, $repository: RepositorySelector!) {
  launchPartitionBackfill(backfillParams: {
    selector: {partitionSetName: $set, repositorySelector: $repository}, partitionNames: ["a", "b"]
  }) { __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } }
}
"""
RELOAD = (
    "mutation ($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) { __typename } }"
)
STOP = (
    "mutation ($id: String!) { stopRunningSchedule(id: $id) { __typename ... on PythonError { message } } }"
)
SCHEDULE_ID = """query ($at: ScheduleSelector!) { scheduleOrError(scheduleSelector: $at) {
    ... on Schedule { scheduleState { id } } } }"""
LOGS = """query ($run: ID!) { logsForRun(runId: $run) { ... on EventConnection { events {
    __typename ... on MessageEvent { message } } } } }"""


@dataclass(frozen=True, kw_only=True)
class Location:
    stack: Stack
    checkout: Checkout
    # While this file is there, runs do not end.
    hold: Path

    def flowlock(self, *arguments: str) -> Outcome:
        return self.checkout.flowlock(*arguments)

    def deployed(self) -> None:
        """Compile what is declared now, and let Dagster load it."""
        compiled = self.flowlock("compile")
        assert compiled.code == 0, compiled.err
        commit(self.checkout.root)
        self.stack.ask(RELOAD, name=self.stack.location)

    def config(self) -> dict[str, Any]:
        # Of whichever workflow is there.
        trips = min(self.checkout.root.glob("examples/*/trips.csv"))
        return {"trips": {"path": str(trips)}}


def commit(root: Path) -> None:
    options = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    for arguments in (["add", "-A"], ["commit", "-qm", "All", "--allow-empty"]):
        subprocess.run(["git", *options, *arguments], cwd=root, check=True)


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Location]:
    require_part(found=BIN.is_dir(), part="Dagster")
    folder = tmp_path_factory.mktemp("life é")
    root = folder / "birds"
    checkout = Checkout(root=root)
    assert checkout.flowlock("init", str(root), cwd=folder).code == 0
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=root, check=True)
    module = root / "src/birds-tasks/birds_tasks/ratios.py"
    module.write_text(module.read_text().replace("    return df.assign", HELD))
    assert checkout.flowlock("new", "location", "rivers").code == 0
    settings = root / "flowlock.toml"
    settings.write_text(settings.read_text() + SCHEDULE)
    compiled = checkout.flowlock("compile")
    assert compiled.code == 0, compiled.err
    # It shows the workflow.
    (root / "README.md").write_text("A workspace.\n")
    commit(root)
    definitions = folder / "rivers.py"
    definitions.write_text(DEFINITIONS)
    hold = folder / "hold"
    space = workspace.load(root)
    assert space.location is not None
    sources = [ROOT / "src/flowlock-core", ROOT / "src/flowlock-dagster", ROOT / "src/flowlock-ext-tabular"]
    # Also of what is made while Dagster runs.
    packages = [root / f"examples/{name}/flowlock-{name}-workflow" for name in ("hello", "hello-ver-2")]
    own = [
        root / "src/birds-tasks",
        root / "locations/rivers/rivers-jobs",
        write_metadata(space, space.location),
    ]
    folders = [*sources, *packages, *own, space.location.package]
    environment = {
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "FLOWLOCK_RESULTS": str(folder / "results"),
        "HOLD": str(hold),
    }
    with dagster_stack(definitions, folder / "instance", environment) as stack:
        yield Location(stack=stack, checkout=checkout, hold=hold)
        hold.unlink(missing_ok=True)


def refused(done: Outcome, *words: str) -> None:
    assert done.code == 1, done.out
    for word in words:
        assert word in done.err


def logs(location: Location, run: str) -> list[str]:
    events = location.stack.ask(LOGS, run=run)["logsForRun"]["events"]
    return [event.get("message", "") for event in events]


def turn_off(stack: Stack, schedule: str) -> None:
    at = {
        "repositoryName": "__repository__",
        "repositoryLocationName": stack.location,
        "scheduleName": schedule,
    }
    (id_,) = stack.ask(SCHEDULE_ID, at=at)["scheduleOrError"]["scheduleState"].values()
    assert stack.ask(STOP, id=id_)["stopRunningSchedule"]["__typename"] == "ScheduleStateResult"


def test_a_workflow_lives_on_as_its_next_version_and_its_old_runs_stay_readable(location: Location) -> None:
    stack, url = location.stack, location.stack.url
    location.hold.touch()
    old = stack.started("hello", location.config())
    stack.waited(old, ("STARTED",))
    remove = ("workflow", "remove", "hello", "--url", url)
    # Statically first, and everything at once.
    refused(
        location.flowlock(*remove),
        "FL961 the schedule yearly runs hello",
        "FL962 the schedule yearly is on",
        f"FL962 the run {old} of hello is STARTED",
    )
    location.hold.unlink()
    assert stack.ended(old) == "SUCCESS"
    before = logs(location, old)
    assert len(before) > 20
    refused(location.flowlock(*remove, "--with-schedules"), "the schedule yearly is on")
    turn_off(stack, "yearly")

    versioned = location.flowlock("workflow", "version", "hello")
    assert versioned.code == 0, versioned.err
    location.deployed()
    assert stack.ended(stack.started("hello_ver_2", location.config())) == "SUCCESS"
    # The old one is kept until told otherwise.
    assert stack.ended(stack.started("hello", location.config())) == "SUCCESS"

    removed = location.flowlock(*remove, "--with-schedules")
    assert removed.code == 0, removed.err
    location.deployed()
    assert stack.launch("hello", location.config())["__typename"] == "PipelineNotFoundError"
    assert stack.ended(stack.started("hello_ver_2", location.config())) == "SUCCESS"
    assert stack.status(old) == "SUCCESS"
    assert logs(location, old) == before

    gone = location.flowlock("workflow", "remove", "hello", "--for-good", "--url", url)
    assert gone.code == 0, gone.err
    location.deployed()
    assert not (location.checkout.root / "examples/hello").exists()
    assert stack.ended(stack.started("hello_ver_2", location.config())) == "SUCCESS"
    assert old in stack.runs("hello")
    assert logs(location, old) == before


def test_backfills_and_sensors_refer_to_a_job(location: Location) -> None:
    stack = location.stack
    repository = {"repositoryName": "__repository__", "repositoryLocationName": stack.location}
    location.hold.touch()
    answer = stack.ask(BACKFILL, set="monthly_partition_set", repository=repository)[
        "launchPartitionBackfill"
    ]
    assert answer["__typename"] == "LaunchBackfillSuccess", answer
    messages = [problem.message for problem in in_dagster(stack.url, stack.location, "monthly")]
    location.hold.unlink()
    assert "the sensor nothing_new is on, and runs monthly" in messages
    assert f"the backfill {answer['backfillId']} of monthly has not ended" in messages
    assert in_dagster(stack.url, stack.location, "missing_values_report") == []


def test_a_location_that_dagster_has_not_loaded_is_refused(location: Location) -> None:
    settings = location.checkout.root / "flowlock.toml"
    before = settings.read_text()
    settings.write_text(before.replace('name = "rivers"', 'name = "lakes"'))
    name = min(location.checkout.root.glob("examples/*")).name
    done = location.flowlock("workflow", "rename", name, "greeting", "--url", location.stack.url)
    settings.write_text(before)
    refused(done, "FL964", "no location lakes", "rivers")
