"""`flowlock deploy verify` against a real Dagster: whatever is wrong is named, and nothing else."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree

from checkout import Outcome
from deployments import IMAGE, DeployedWorkspace, deployed_workspace
from servers.dagster_stack import BIN, Stack, stack_on_postgres
from servers.loopback import Request, Response, answering, as_json
from servers.real import free_port
from shared import require_part

PLANTED = "planted-dagster-token-90b3e1"
DEFINITIONS = """
import time

import dagster as dg

from flowlock_dagster.job import workflow_job
from flowlock_dagster.location import definitions_of


@dg.op(config_schema={"seconds": float})
def slept(context):
    context.log.info("sleeping now")
    time.sleep(context.op_config["seconds"])


@dg.op
def failed():
    raise ValueError("the slice has no rows")


@dg.job
def hanging():
    slept()


@dg.job
def failing():
    failed()


@dg.job
def old():
    slept()


single = workflow_job("dagster_workflows:single")
defs = definitions_of(jobs=[single, hanging, failing, old])
"""
WITHOUT_OLD = DEFINITIONS.replace("failing, old]", "failing]")
LOCATION = """
[location]
name = "services"
workflows = ["single", "hanging", "failing"]
locked = false
reason = "a test"

[deploy.services.slice]
job = "single"
params = { only = { value = 7 } }
"""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A platform that runs what the workspace's manifest says."""

    stack: Stack
    definitions: Path
    workspace: DeployedWorkspace
    removed_run: str

    def verify(self, *arguments: str, url: str = "") -> Outcome:
        command = ("--json", "deploy", "verify", "services", "--url", url or self.stack.url, *arguments)
        return self.workspace.flowlock(*command)

    def checks(self, *arguments: str, url: str = "") -> dict[str, Any]:
        """Return the checks by name."""
        done = self.verify(*arguments, url=url)
        assert "Traceback" not in done.err
        checks = {check["name"]: check for check in done.document["checks"]}
        failed = [check for check in checks.values() if check["status"] == "failed"]
        assert done.code == (1 if failed else 0), done.err
        return checks


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    require_part(found=BIN.is_dir(), part="Dagster")
    folder = tmp_path_factory.mktemp("platform")
    definitions = folder / "services.py"
    definitions.write_text(DEFINITIONS)
    workspace = deployed_workspace(folder / "flow", {"DAGSTER_TOKEN": PLANTED})
    for name in ("single", "hanging", "failing"):
        (workspace.root / "examples" / name).mkdir(parents=True)
        (workspace.root / "examples" / name / "spec.yaml").touch()
    settings = workspace.root / "flowlock.toml"
    settings.write_text(settings.read_text() + LOCATION)
    with stack_on_postgres(definitions, folder, {}, image=f"{IMAGE}:1.0.0") as stack:
        run = stack.started("old", {"ops": {"slept": {"config": {"seconds": 0.0}}}})
        assert stack.ended(run) == "SUCCESS"
        definitions.write_text(WITHOUT_OLD)
        assert workspace.flowlock("deploy", "reload", "services", "--url", stack.url).code == 0
        yield Platform(stack=stack, definitions=definitions, workspace=workspace, removed_run=run)


def statuses(checks: dict[str, Any]) -> dict[str, str]:
    return {name: check["status"] for name, check in checks.items()}


def test_a_location_that_is_reloaded_says_what_it_has(platform: Platform) -> None:
    done = platform.workspace.flowlock("--json", "deploy", "reload", "services", "--url", platform.stack.url)
    assert done.code == 0, done.err
    assert done.document["jobs"] == ["failing", "hanging", "single"]
    assert done.document["image"] == f"{IMAGE}:1.0.0"


def test_all_checks_pass_when_all_is_well(platform: Platform, tmp_path: Path) -> None:
    report = tmp_path / "checks.xml"
    done = platform.verify("--removed", "old", "--wait", "60", "--junit", str(report))
    assert done.code == 0, done.out
    checks = {check["name"]: check for check in done.document["checks"]}
    assert set(statuses(checks).values()) == {"passed"}
    assert "single succeeded" in checks["run"]["detail"]
    assert any("STEP_SUCCESS" in line or "Finished" in line for line in checks["run"]["log"])
    assert "logs of 1 kept" in checks["removed"]["detail"]
    (suite,) = ElementTree.fromstring(report.read_bytes())
    assert (suite.get("tests"), suite.get("failures")) == ("6", "0")
    assert PLANTED not in done.out + done.err + report.read_text()


def test_an_old_image_is_named_and_its_slice_is_not_run(platform: Platform) -> None:
    checks = platform.checks("--tag", "1.1.0")
    assert statuses(checks)["image"] == "failed"
    assert checks["image"]["detail"] == f"it runs {IMAGE}:1.0.0, not {IMAGE}:1.1.0"
    assert checks["run"]["status"] == "skipped"
    assert [name for name, check in checks.items() if check["status"] == "failed"] == ["image"]


def test_an_unknown_job_is_named_with_the_nearest(platform: Platform) -> None:
    checks = platform.checks("--job", "singel")
    assert checks["run"]["status"] == "failed"
    assert "singel does not exist; did you mean `single`?" in checks["run"]["detail"]


def test_parameters_that_are_refused_are_named(platform: Platform, tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("only: {value: seven, more: 1}\n")
    checks = platform.checks("--params", str(params))
    assert "FL728 only.value" in checks["run"]["detail"]


def test_a_slice_that_fails_says_why(platform: Platform) -> None:
    checks = platform.checks("--job", "failing")
    assert checks["run"]["status"] == "failed"
    assert "the slice has no rows" in checks["run"]["detail"]
    assert any("the slice has no rows" in line for line in checks["run"]["log"])


def test_a_slice_that_hangs_is_ended_after_its_time(platform: Platform, tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("ops: {slept: {config: {seconds: 600.0}}}\n")
    checks = platform.checks("--job", "hanging", "--params", str(params), "--seconds", "20")
    assert checks["run"]["status"] == "failed"
    assert "did not end within 20 s" in checks["run"]["detail"]
    run = checks["run"]["detail"].rpartition(" ")[2]
    assert platform.stack.waited(run, ("CANCELED", "FAILURE"))


def test_a_workflow_that_is_still_there_is_named(platform: Platform) -> None:
    checks = platform.checks("--removed", "hanging", "--removed", "old")
    assert checks["removed"]["detail"] == "the job hanging is still there"


def test_jobs_that_the_location_should_not_have_are_named(platform: Platform) -> None:
    settings = platform.workspace.root / "flowlock.toml"
    before = settings.read_text()
    settings.write_text(before.replace('"hanging", "failing"]', '"absent"]'))
    (platform.workspace.root / "examples/absent").mkdir(exist_ok=True)
    (platform.workspace.root / "examples/absent/spec.yaml").touch()
    try:
        detail = platform.checks()["jobs"]["detail"]
    finally:
        settings.write_text(before)
    assert "the job absent is missing" in detail
    assert "the job hanging is not one of the location" in detail


def test_a_location_that_dagster_does_not_have_is_named(platform: Platform) -> None:
    settings = platform.workspace.root / "flowlock.toml"
    before = settings.read_text()
    settings.write_text(before.replace("[deploy.services]\n", '[deploy.services]\nlocation = "service"\n'))
    try:
        checks = platform.checks()
        reloaded = platform.workspace.flowlock("deploy", "reload", "--url", platform.stack.url)
    finally:
        settings.write_text(before)
    assert checks["location"]["detail"] == "Dagster has no location `service`"
    assert {checks["image"]["status"], checks["run"]["status"]} == {"skipped"}
    assert reloaded.code == 1
    assert "FL951" in reloaded.err


def test_a_broken_module_is_the_reason_and_the_rest_is_skipped(platform: Platform) -> None:
    platform.definitions.write_text("import absent_module_of_the_location\n" + WITHOUT_OLD)
    try:
        reloaded = platform.workspace.flowlock("deploy", "reload", "--url", platform.stack.url)
        checks = platform.checks("--wait", "1")
    finally:
        platform.definitions.write_text(WITHOUT_OLD)
        platform.workspace.flowlock("deploy", "reload", "--url", platform.stack.url)
    assert reloaded.code == 1
    assert "absent_module_of_the_location" in reloaded.err
    assert checks["location"]["status"] == "failed"
    assert "absent_module_of_the_location" in checks["location"]["detail"]
    assert {checks[name]["status"] for name in ("image", "jobs", "run")} == {"skipped"}


def test_an_image_that_comes_while_verify_waits_is_enough(platform: Platform) -> None:
    for tag in ("1.1.0", "1.0.0"):
        platform.stack.replace_code(image=f"{IMAGE}:{tag}")
        checks = platform.checks("--tag", tag, "--wait", "120")
        assert set(statuses(checks).values()) == {"passed", "skipped"}
        assert checks["run"]["status"] == "passed"


def test_without_a_daemon_the_run_is_not_started(platform: Platform) -> None:
    with platform.stack.without("daemon"):
        checks = platform.checks("--seconds", "5")
    assert checks["run"]["status"] == "failed"
    assert "it was QUEUED, which a daemon should have ended" in checks["run"]["detail"]
    assert platform.verify("--wait", "60").code == 0


def test_a_daemon_that_has_fallen_silent_is_named(platform: Platform) -> None:
    with platform.stack.without("daemon"):
        platform.stack.let_daemons_be_silent(seconds=600)
        checks = platform.checks()
    assert checks["daemons"]["status"] == "failed"
    silence = re.search(r"[A-Z_]+ has been silent for (\d+) s", checks["daemons"]["detail"])
    assert silence is not None
    assert 600 <= int(silence[1]) < 700
    assert checks["run"]["status"] == "skipped"
    assert platform.verify("--wait", "60").code == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (as_json(400, {"errors": [{"message": "Cannot query field `x`"}]}), "Cannot query field `x`"),
        (as_json(200, {"data": None, "errors": [{"message": f"no {PLANTED}"}]}), "no "),
        (as_json(500, {"errors": [{"message": "the database is gone"}]}), "the database is gone"),
        (as_json(200, {"data": {"workspaceOrError": {"__typename": "PythonError", "message": "x"}}}), "x"),
        (as_json(200, {"data": {"other": 1}}), "does not have the expected shape"),
        (Response(status=200, body=b"<html>login</html>", media="text/html"), "which is not GraphQL"),
        (Response(status=502, body=b"bad gateway"), "502"),
    ],
)
def test_what_is_not_an_answer_is_one_line(tmp_path: Path, answer: Response, reason: str) -> None:
    workspace = deployed_workspace(tmp_path, {"DAGSTER_TOKEN": PLANTED})
    received: list[Request] = []

    def answered(request: Request) -> Response:
        received.append(request)
        return answer

    with answering(answered) as url:
        done = workspace.flowlock("--json", "deploy", "verify", "--url", url)
    assert done.code == 1
    check = done.document["checks"][0]
    assert (check["name"], check["status"]) == ("location", "failed")
    assert reason in check["detail"]
    assert PLANTED not in done.out + done.err
    assert received[0].headers["authorization"] == f"Bearer {PLANTED}"


def test_an_address_without_a_server_is_a_failure_of_one_line(tmp_path: Path) -> None:
    workspace = deployed_workspace(tmp_path, {})
    url = f"http://127.0.0.1:{free_port()}"
    done = workspace.flowlock("deploy", "verify", "--url", url, "--wait", "1")
    assert done.code == 1
    assert "failed   location" in done.out
    assert "Connection refused" in done.out
    none = workspace.flowlock("deploy", "verify")
    assert "FL952" in none.err
    assert json.loads(workspace.flowlock("--json", "deploy", "verify", "--url", url).out)["ok"] is False
