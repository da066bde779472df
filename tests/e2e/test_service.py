"""The service of a workflow: its API, its runs, and what it says about what is refused."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from servers.service import ServedProcess, served, sse


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    with served(tmp_path_factory.mktemp("service"), "--queue", "1000") as process:
        yield process


def refused(done: requests.Response, status: int, code: str) -> dict[str, Any]:
    """Return the document of a refusal."""
    assert done.status_code == status, done.text
    assert done.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = done.json()
    assert (document["status"], document["code"]) == (status, code)
    return document


def test_a_run_is_accepted_executed_and_has_its_results(service: ServedProcess) -> None:
    accepted = service.start({"first": {"text": "hello"}})
    assert accepted["state"] in {"queued", "starting"}
    run = service.ended(accepted["id"])
    assert run["state"] == "done", service.ask("GET", f"/runs/{run['id']}/logs").text
    assert run["steps"] == {"total": 3, "ended": 3}
    assert run["results"] == ["note.txt", "result.json"]
    assert run["params"] == {"first": {"text": "hello"}}
    assert run["dashboard"] is None
    assert run["created"] <= run["started"] <= run["ended"]
    result = service.get(f"/runs/{run['id']}/results/result.json")
    assert result["result"]["text"] == "hello"
    assert result["result"]["process"] != service.process.pid
    log = service.ask("GET", f"/runs/{run['id']}/logs")
    assert log.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "last has printed this" in log.text
    assert "done     first" in log.text


def test_a_run_that_fails_says_why(service: ServedProcess) -> None:
    run = service.ended(service.start({"second": {"fail": True}})["id"])
    assert run["state"] == "failed"
    (problem,) = run["problems"]
    assert "it was to fail" in problem["message"]
    assert run["steps"]["ended"] >= 1


def test_all_problems_of_parameters_have_their_paths(service: ServedProcess) -> None:
    params = {"first": {"seconds": -1, "text": "x" * 101}, "secnd": {}, "last": {"variables": ["A", 1]}}
    checked = service.ask("POST", "/check", json={"params": params}).json()
    assert not checked["ok"]
    paths = [problem["path"] for problem in checked["problems"]]
    assert sorted(map(str, paths)) == sorted(
        map(str, (["first", "seconds"], ["first", "text"], ["secnd"], ["last", "variables", 1]))
    )
    document = refused(
        service.ask("POST", "/runs", json={"params": params}), 422, checked["problems"][0]["code"]
    )
    assert document["problems"] == checked["problems"]
    good = service.ask("POST", "/check", json={"params": {"first": {"text": "x"}}})
    assert good.json() == {"ok": True, "problems": []}


def test_a_file_outside_of_the_data_folders_is_refused(
    service: ServedProcess,
) -> None:
    (service.folder / "inside.txt").write_text("inside")
    (service.folder / "link.txt").symlink_to("/etc/hostname")
    for path in ("/etc/hostname", "/etc/missing", "../x.txt", "link.txt"):
        checked = service.ask("POST", "/check", json={"params": {"first": {"file": path}}}).json()
        (problem,) = checked["problems"]
        assert (problem["code"], problem["path"]) == ("FL782", ["first", "file"])
    run = service.ended(service.start({"first": {"file": "inside.txt"}})["id"])
    assert service.get(f"/runs/{run['id']}/results/result.json")["result"]["text"] == "inside"


def test_a_repeated_request_with_its_key_starts_one_run(service: ServedProcess) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first, again = (service.ask("POST", "/runs", json={"params": {}}, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    other = service.ask("POST", "/runs", json={"params": {"first": {"text": "b"}}}, headers=headers)
    refused(other, 409, "FL783")


def test_runs_are_listed_in_pages_the_newest_first(tmp_path: Path) -> None:
    with served(tmp_path / "s") as service:
        ids = [service.ended(service.start({"first": {"text": str(n)}})["id"])["id"] for n in range(5)]
        page = service.get("/runs?limit=2")
        listed = page["runs"]
        while page["next"]:
            page = service.get(f"/runs?limit=2&cursor={page['next']}")
            listed += page["runs"]
        assert [run["id"] for run in listed] == ids[::-1]
        assert "params" not in listed[0]
        middle = listed[2]["created"]
        assert [run["id"] for run in service.get(f"/runs?since={middle}")["runs"]] == ids[:1:-1]
        assert [run["id"] for run in service.get(f"/runs?until={middle}")["runs"]] == ids[2::-1]
        assert service.get("/runs?state=failed") == {"runs": [], "next": None}
        assert len(service.get("/runs?state=done")["runs"]) == 5


def test_a_run_is_cancelled_at_any_moment(service: ServedProcess) -> None:
    for pause in (0, 0.01, 0.05, 0.3, 0.8):
        run = service.start({"first": {"seconds": 60}, "second": {"child": True}})
        time.sleep(pause)
        assert service.ask("POST", f"/runs/{run['id']}/cancel").status_code == 202
        assert service.ended(run["id"])["state"] == "cancelled"
    refused(service.ask("POST", f"/runs/{run['id']}/cancel"), 409, "FL778")


def test_a_cancelled_run_is_resumed_once_and_reuses_results(service: ServedProcess) -> None:
    run = service.start({"first": {"text": "kept"}, "last": {"seconds": 30}})
    service.until_ended(run["id"], steps=2)
    refused(service.ask("POST", f"/runs/{run['id']}/resume"), 409, "FL778")
    service.ask("POST", f"/runs/{run['id']}/cancel")
    service.ended(run["id"], "cancelled")
    resumed, again = (service.ask("POST", f"/runs/{run['id']}/resume") for _ in range(2))
    assert resumed.status_code == again.status_code == 202
    assert resumed.json()["id"] == again.json()["id"] != run["id"]
    assert resumed.json()["resumed_from"] == run["id"]
    assert service.get(f"/runs/{run['id']}")["resumed_by"] == resumed.json()["id"]
    service.until_ended(resumed.json()["id"], steps=2)
    service.ask("POST", f"/runs/{resumed.json()['id']}/cancel")
    service.ended(resumed.json()["id"])
    assert "reused   first" in service.ask("GET", f"/runs/{resumed.json()['id']}/logs").text


def test_only_a_run_that_has_ended_is_removed(service: ServedProcess) -> None:
    run = service.start({"first": {"seconds": 30}})
    refused(service.ask("DELETE", f"/runs/{run['id']}"), 409, "FL778")
    service.ask("POST", f"/runs/{run['id']}/cancel")
    service.ended(run["id"])
    assert service.ask("DELETE", f"/runs/{run['id']}").status_code == 204
    refused(service.ask("GET", f"/runs/{run['id']}"), 404, "FL775")
    refused(service.ask("DELETE", f"/runs/{run['id']}"), 404, "FL775")
    assert not (service.results / "service" / run["id"]).exists()


def test_events_are_followed_to_the_end_and_can_be_resumed(service: ServedProcess) -> None:
    run = service.start({"first": {"seconds": 0.5}})
    path = f"/runs/{run['id']}/events"
    with service.ask("GET", path, stream=True) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        events = list(sse(response))
    logged = [(number, data) for number, event, data in events if event == "log"]
    assert [data["event"] for _, data in logged] == ["run started", *["step ended"] * 3, "run ended"]
    assert {data["run"] for _, data in logged} == {run["id"]}
    states = [data["state"] for _, event, data in events if event == "state"]
    assert states[-1] == "done"
    assert events[-1][2]["steps"] == {"total": 3, "ended": 3}
    seen = logged[1][0]
    with service.ask("GET", path, stream=True, headers={"Last-Event-ID": seen}) as response:
        rest = [(number, data) for number, event, data in sse(response) if event == "log"]
    assert rest == logged[2:]


@pytest.mark.parametrize(
    ("header", "status", "start", "end"),
    [
        (None, 200, 0, None),
        ("bytes=0-3", 206, 0, 4),
        ("bytes=2-", 206, 2, None),
        ("bytes=-3", 206, -3, None),
        ("bytes=5-2", 200, 0, None),
        ("bytes=0-1,3-4", 200, 0, None),
        ("lines=1-2", 200, 0, None),
    ],
)
def test_results_have_ranges(
    service: ServedProcess, header: str | None, status: int, start: int, end: int | None
) -> None:
    run = service.ended(service.start({"first": {"text": "0123456789"}})["id"])
    headers = {} if header is None else {"Range": header}
    done = service.ask("GET", f"/runs/{run['id']}/results/note.txt", headers=headers)
    assert (done.status_code, done.text) == (status, "0123456789"[start:end])
    assert done.headers["Content-Length"] == str(len(done.content))
    beyond = service.ask("GET", f"/runs/{run['id']}/results/note.txt", headers={"Range": "bytes=10-"})
    refused(beyond, 416, "FL775")
    assert beyond.headers["Content-Range"] == "bytes */10"


def test_a_method_that_a_path_does_not_have_is_refused_with_all_that_it_has(service: ServedProcess) -> None:
    for path, allowed in (("/runs", "GET, POST"), ("/runs/x", "DELETE, GET"), ("/session", "POST")):
        done = service.ask("PUT", path)
        refused(done, 405, "FL776")
        assert done.headers["Allow"] == allowed
    refused(service.ask("GET", "/nowhere"), 404, "FL775")


def test_the_workflow_its_schema_and_its_form_are_served(service: ServedProcess) -> None:
    workflow = service.get("/workflow")
    assert workflow["name"] == "small"
    assert [step["id"] for step in workflow["steps"]] == ["first", "second", "last"]
    assert workflow["steps"][1] == {
        "id": "second",
        "title": "Fail or not",
        "task": "second",
        "method": "call",
        "needs": ["first"],
    }
    assert service.get("/schema")["properties"].keys() == {"first", "second", "last"}
    assert service.get("/form").keys() == {"schema", "uiSchema", "groups"}
    refused(service.ask("GET", "/graph.svg"), 404, "FL775")
    form = {"first": {"text": "a"}, "At the end": {"second": {"fail": False}}}
    params = {"first": {"text": "a"}, "second": {"fail": False}}
    to_params = service.ask("POST", "/convert", json={"to": "params", "data": form})
    assert to_params.json() == {"data": params}
    to_form = service.ask("POST", "/convert", json={"to": "form", "data": params})
    assert to_form.json() == {"data": form}
    refused(service.ask("POST", "/convert", json={"to": "params", "data": {"x": {"y": 1}}}), 422, "FL737")
    wrong = {"to": "params", "data": {"At the end": {"last": [None]}}}
    refused(service.ask("POST", "/convert", json=wrong), 422, "FL723")


def test_the_state_of_the_service_can_be_watched(service: ServedProcess) -> None:
    assert service.get("/health") == service.get("/ready") == {"status": "ok"}
    assert service.get("/") == {"status": "ok"}
    metrics = service.ask("GET", "/metrics").text
    assert re.search(r'^flowlock_runs\{state="done"\} \d+$', metrics, re.MULTILINE)
    described = service.get("/openapi.json")
    assert described["openapi"].startswith("3.1")
