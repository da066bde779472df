"""Rules of the verification, its JUnit file, and which tag a deployment goes back to."""

import pytest
from defusedxml import ElementTree

from flowlock.deploy.dagster_api import DaemonState, Launch
from flowlock.deploy.history import ROLLED_BACK, DeployedTag, last_good, rolled_back_from
from flowlock.deploy.junit import junit
from flowlock.deploy.verification import LONGEST_SILENCE, CheckOutcome, CheckStatus, daemon_fault

NOW = 1_800_000_000.0


def daemon(*, healthy: bool, heartbeat: float | None, errors: tuple[str, ...] = ()) -> DaemonState:
    document = {
        "daemonType": "SENSOR",
        "required": True,
        "healthy": healthy,
        "lastHeartbeatTime": heartbeat,
        "lastHeartbeatErrors": [{"message": f"{error}\n  File x"} for error in errors],
    }
    return DaemonState.model_validate(document)


def test_a_daemon_that_has_been_silent_is_not_healthy_whatever_dagster_says() -> None:
    assert not daemon_fault(daemon(healthy=True, heartbeat=NOW - 31), NOW)
    assert not daemon_fault(daemon(healthy=True, heartbeat=NOW + 60), NOW)
    silent = daemon_fault(daemon(healthy=True, heartbeat=NOW - LONGEST_SILENCE - 1), NOW)
    assert silent == "SENSOR has been silent for 121 s"


def test_a_daemon_without_heartbeats_or_with_errors_says_so() -> None:
    never = daemon_fault(daemon(healthy=False, heartbeat=None), NOW)
    assert never == "SENSOR is not healthy: it sends no heartbeats"
    wrong = daemon_fault(daemon(healthy=False, heartbeat=NOW, errors=("ValueError: x",)), NOW)
    assert wrong == "SENSOR is not healthy: ValueError: x"


def test_a_junit_file_holds_any_text() -> None:
    texts = 'a "quoted" <tag> & \x00 \x1b[31m \ud800 \uffff é 🚀'
    outcomes = [
        CheckOutcome(name=f"check {status}", status=status, detail=texts, log=(texts, "]]>"))
        for status in CheckStatus
    ]
    (suite,) = ElementTree.fromstring(junit(texts, outcomes).encode())
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert str(failure.get("message")).startswith('a "quoted" <tag> & ')
    assert str(failure.get("message")).endswith("é 🚀")


@pytest.mark.parametrize(
    ("deployed", "good"),
    [
        ([], None),
        ([("a", "")], None),
        ([("a", ""), ("b", "")], "a"),
        ([("a", ""), ("b", ""), ("a", "b")], None),
        ([("a", ""), ("b", ""), ("c", ""), ("b", "c")], "a"),
        ([("a", ""), ("b", ""), ("a", "b"), ("b", ""), ("c", "")], "b"),
        # Another edit of the file is no deployment.
        ([("a", ""), ("b", ""), ("b", "")], "a"),
    ],
)
def test_the_last_good_tag_is_the_one_before_that_was_not_taken_back(
    deployed: list[tuple[str, str]], good: str | None
) -> None:
    assert last_good([DeployedTag(tag=tag, rolled_back=back) for tag, back in deployed]) == good


def test_a_rollback_is_known_by_its_trailer() -> None:
    assert rolled_back_from(f"Roll back\n\nImage: x:1\n{ROLLED_BACK}1.2.0\n") == "1.2.0"
    assert not rolled_back_from("Deploy 1.2.0")


def test_a_launch_that_fails_in_a_task_package_says_which_error_it_was() -> None:
    answer = {
        "__typename": "PythonError",
        "message": "The config mapping function on job birds has thrown an unexpected error.",
        "errorChain": [{"error": {"message": "ImportError:\n  no module named nests"}}],
    }
    refusal = Launch.model_validate(answer).refusal
    assert refusal.startswith("The config mapping function on job birds")
    assert refusal.endswith("ImportError: no module named nests")
