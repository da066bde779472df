"""Answers of what is not a Dagster, or not the right one; `tests/e2e` asks a real one."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from flowlock.errors import FlowlockError
from flowlock.lifecycle.dagster_jobs import in_dagster
from servers.loopback import Request, Response, answering
from servers.real import free_port

EMPTY: Mapping[str, Any] = {
    "repositories": {"nodes": [{"location": {"name": "rivers"}, "schedules": [], "sensors": []}]},
    "runs": {"results": []},
    "requested": {"results": []},
    "canceling": {"results": []},
}


def asked(body: bytes, status: int = 200, location: str = "rivers") -> list[str]:
    def answer(request: Request) -> Response:
        assert request.path == "/graphql"
        return Response(status=status, body=body)

    with answering(answer) as url:
        return [problem.message for problem in in_dagster(f"{url}/", location, "carbon")]


def data(**changes: Any) -> bytes:
    return json.dumps({"data": {**EMPTY, **changes}}).encode()


def test_a_dagster_without_anything_refers_to_nothing() -> None:
    assert asked(data()) == []


def test_runs_of_other_locations_are_of_other_jobs() -> None:
    run = {"status": "STARTED", "origin": {"location": "lakes"}}
    own = {"status": "QUEUED", "origin": {"location": "rivers"}}
    unknown = {"status": "STARTED", "origin": None}
    runs = [{"id": "a", **run}, {"id": "b", **own}, {"id": "c", **unknown}]
    assert asked(data(runs={"results": runs})) == [
        "the run b of carbon is QUEUED",
        "the run c of carbon is STARTED",
    ]


def test_a_location_that_dagster_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(FlowlockError, match="no location lakes") as error:
        asked(data(), location="lakes")
    assert (error.value.problems[0].code, "rivers" in str(error.value.problems[0].hint)) == ("FL964", True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>", 200),
        (b'{"data": null}', 200),
        (b'{"errors": [{"message": "no field"}]}', 400),
        (data(runs={}), 200),
        (b"not found", 404),
        (b"[" * 100_000, 200),
    ],
)
def test_other_answers_are_one_error(body: bytes, status: int) -> None:
    with pytest.raises(FlowlockError) as error:
        asked(body, status)
    assert [problem.code for problem in error.value.problems] == ["FL950"]


def test_a_server_that_is_gone_is_one_error() -> None:
    with pytest.raises(FlowlockError) as error:
        in_dagster(f"http://127.0.0.1:{free_port()}", "rivers", "carbon")
    assert [problem.code for problem in error.value.problems] == ["FL950"]
