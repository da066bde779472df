"""A real Dagster over GraphQL: runs, refusals, a schedule, notifications, and a job that is removed."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pictures import assert_pictured
from servers.dagster_stack import BIN, PATIENCE, Stack, stack_on_postgres
from servers.loopback import Request, Response, answering
from servers.real import free_port
from shared import ROOT, require_part

SECRET = "whsec_" + base64.b64encode(b"planted-secret-4711").decode()
# As they stand in a file of definitions: nothing that tests import.
DEFINITIONS = """
import dagster as dg

from flowlock_dagster.job import workflow_job
from flowlock_dagster.json_logs import json_logger
from flowlock_dagster.location import definitions_of, workflow_schedule
from flowlock_dagster.notifications.channels import Webhook
from flowlock_dagster.notifications.sensor import notification_sensor

carbon = workflow_job("flowlock_carbon_workflow.workflow:carbon", loggers={"json": json_logger})
single = workflow_job("dagster_workflows:single")
waiting = workflow_job("dagster_workflows:waiting")
every_minute = workflow_schedule(
    "every_minute", single, cron="* * * * *", timezone="UTC", params={"only": {"value": 7}}, running=True
)
channels = [Webhook(url=name, signed_with="HOOK_SECRET") for name in ("GOOD", "BROKEN", "HANGING", "GONE")]
defs = definitions_of(
    jobs=[carbon, single, waiting],
    schedules=[every_minute],
    sensors=[notification_sensor(channels, jobs=["carbon", "waiting"], interval=2)],
)
"""
# Without the job `carbon`, and without what names it.
WITHOUT = DEFINITIONS.replace("jobs=[carbon, single, waiting]", "jobs=[single, waiting]")


@dataclass(kw_only=True)
class Receiver:
    """Takes notifications, after what it does to the first ones; what it has accepted is kept."""

    before: Callable[[int], int] = lambda _attempt: 200
    attempts: int = 0
    accepted: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Response:
        with self.lock:
            self.attempts += 1
            attempt = self.attempts
        status = self.before(attempt)
        if status == 200:
            self.accepted.append(request)
        return Response(status=status)

    def events(self) -> list[tuple[str, str]]:
        return sorted((request.json["run"], request.json["event"]) for request in self.accepted)


def hangs(attempt: int) -> int:
    """Take longer than the sender waits, twice; the sender has gone then, so nothing was accepted."""
    if attempt <= 2:
        time.sleep(7)
        return 504
    return 200


def answers_500(attempt: int) -> int:
    return 500 if attempt <= 3 else 200


@dataclass(frozen=True, kw_only=True)
class Running:
    stack: Stack
    home: Path
    definitions: Path
    receivers: dict[str, Receiver]
    # Of the receiver that is not there when the runs end.
    late_port: int


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    require_part(found=BIN.is_dir(), part="Dagster")
    folder = tmp_path_factory.mktemp("stack")
    definitions = folder / "services.py"
    definitions.write_text(DEFINITIONS)
    receivers = {
        "GOOD": Receiver(),
        "BROKEN": Receiver(before=answers_500),
        "HANGING": Receiver(before=hangs),
        "GONE": Receiver(),
    }
    with ExitStack() as open_now:
        late_port = free_port()
        urls = {"GONE": f"http://127.0.0.1:{late_port}"}
        for name in ("GOOD", "BROKEN", "HANGING"):
            urls[name] = open_now.enter_context(answering(receivers[name].answer))
        package = ROOT / "examples/carbon/flowlock-carbon-workflow"
        variables = {**urls, "HOOK_SECRET": SECRET, "PYTHONPATH": f"{ROOT / 'tests'}:{package}"}
        stack = open_now.enter_context(stack_on_postgres(definitions, folder, variables))
        _first_tick(stack)
        yield Running(
            stack=stack,
            home=folder,
            definitions=definitions,
            receivers=receivers,
            late_port=late_port,
        )


def _first_tick(stack: Stack) -> None:
    """Wait for the sensor to be on: it tells of runs that end from then."""
    query = """query ($at: SensorSelector!) { sensorOrError(sensorSelector: $at) {
        ... on Sensor { sensorState { ticks(limit: 1) { status } } } } }"""
    at = {
        "repositoryName": "__repository__",
        "repositoryLocationName": stack.location,
        "sensorName": "notifications",
    }
    _until(lambda: bool(stack.ask(query, at=at)["sensorOrError"]["sensorState"]["ticks"]))


def _until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until
        time.sleep(0.5)


def config_of_carbon() -> dict[str, Any]:
    return {
        "weekly": {"path": str(ROOT / "examples/carbon/mauna-loa.csv")},
        "period": {"time_range": {"since": "1958-01-01", "until": "2001-12-31"}},
        "dashboard": {"title": "Carbon dioxide"},
    }


def test_bad_parameters_are_refused_with_our_message_and_there_is_no_run(running: Running) -> None:
    answer = running.stack.launch("carbon", {"weekly": {"path": 3, "bogus": 1}, "nix": {}, "period": 4})
    assert answer["__typename"] == "PythonError"
    for words in ("FL724 nix", "FL725 weekly.bogus", "FL728 weekly.path", "FL723 period", "hint:"):
        assert words in answer["message"]
    assert running.stack.runs("carbon") == []


def test_each_kind_of_ending_is_notified_once_whatever_the_receiver_does(
    running: Running, tmp_path: Path
) -> None:
    stack = running.stack
    good = stack.started("carbon", config_of_carbon())
    bad = config_of_carbon()
    bad["weekly"]["path"] = str(tmp_path / "absent.csv")
    failing = stack.started("carbon", bad)
    cancelled = stack.started("waiting", {"wait": {"folder": str(tmp_path)}})
    _until((tmp_path / "begun").exists)
    stack.ask(
        "mutation ($run: String!) { terminateRun(runId: $run) { __typename } }",
        run=cancelled,
    )
    assert stack.ended(good) == "SUCCESS"
    assert stack.ended(failing) == "FAILURE"
    assert stack.ended(cancelled) == "CANCELED"
    assert (running.home / "results/carbon" / good / "dashboard.html").is_file()
    expected = sorted([(good, "success"), (failing, "failure"), (cancelled, "canceled")])
    _until(lambda: running.receivers["GOOD"].events() == expected)
    with answering(running.receivers["GONE"].answer, port=running.late_port):
        _until(lambda: all(len(one.accepted) >= len(expected) for one in running.receivers.values()))
        # Time for one that would come twice.
        time.sleep(8)
    for name, receiver in running.receivers.items():
        assert receiver.events() == expected, name
    assert running.receivers["BROKEN"].attempts > 3
    (told,) = [
        request for request in running.receivers["GOOD"].accepted if request.json["event"] == "failure"
    ]
    assert "FL730" in told.json["problems"][0]
    assert not [name for name in told.json["tags"] if name.startswith((".dagster", "dagster/"))]
    _assert_signed(told)


def _assert_signed(request: Request) -> None:
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode()
    digest = hmac.new(b"planted-secret-4711", signed + request.body, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_the_picture_of_the_documentation_is_that_of_the_graph(
    running: Running, *, refresh_golden: bool
) -> None:
    from servers.browser import chromium

    address = f"{running.stack.url}/locations/__repository__@{running.stack.location}/jobs/carbon"
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(address)
        # Dagster asks new visitors for their address.
        page.get_by_role("button", name="Skip").click()
        page.get_by_role("dialog").wait_for(state="hidden")
        page.get_by_text("write_result").first.wait_for()
        picture: bytes = page.screenshot()
    assert_pictured("dagster-carbon.png", picture, refresh=refresh_golden)


def test_a_schedule_runs_its_job_with_its_parameters(running: Running) -> None:
    stack = running.stack
    _until(lambda: bool(stack.runs("single")))
    run = stack.runs("single")[-1]
    assert stack.ended(run) == "SUCCESS"
    result = running.home / "results/single" / run / "result.json"
    assert json.loads(result.read_text())["result"] == 7


def test_the_logs_of_a_job_that_was_removed_stay_readable(running: Running) -> None:
    stack = running.stack
    run = stack.started("carbon", config_of_carbon())
    assert stack.ended(run) == "SUCCESS"
    running.definitions.write_text(WITHOUT)
    mutation = """mutation ($name: String!) {
        reloadRepositoryLocation(repositoryLocationName: $name) { __typename } }"""
    stack.ask(mutation, name=stack.location)
    _until(lambda: stack.launch("carbon", {})["__typename"] == "PipelineNotFoundError")
    logs = """query ($run: ID!) { logsForRun(runId: $run) {
        ... on EventConnection { events { __typename } } } }"""
    assert len(stack.ask(logs, run=run)["logsForRun"]["events"]) > 20
