"""The service for clients of ecoscope-workflows (2024) and wt (2026), with the requests that they send."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from servers.service import ServedProcess, served

NAME = "small-workflow"
PARAMS: dict[str, Any] = {"first": {"text": "a"}}
OF_2024: dict[str, Any] = {"execution_mode": "sequential", "mock_io": False}
OF_2026 = {**OF_2024, "matchspec": NAME}
PLANTED = "planted-secret-71"
# Bodies that are not JSON, and how they are answered.
BODIES = [
    (b"", 422),
    (b"{", 400),
    (b"\xff", 400),
    (b'{"a": 1, "a": 2}', 400),
    (b"[" * 100_000, 400),
    (b" " * 5_000_000, 413),
]
INVALID_FORMS: list[Any] = [
    {"invalid": "request"},
    [],
    7,
    {"At the end": 1},
    {"At the end": {"second": {"fail": 1}}},
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    with served(tmp_path_factory.mktemp("wt é"), "--workers", "2") as process:
        yield process


def run(service: ServedProcess, query: Any, params: Any = None, **body: Any) -> requests.Response:
    """Ask for a run as a client does."""
    document = {"params": params or PARAMS, **body}
    return service.ask("POST", "/", json=document, params=query)


def run_of(answer: requests.Response) -> str:
    """Return the id of the run that an answer names."""
    return answer.headers["Location"].removeprefix("/runs/")


def test_a_request_of_2026_is_answered_with_the_result(service: ServedProcess) -> None:
    answer = run(service, {**OF_2026, "results_url": service.results.as_uri(), "workflow_run_id": "7"})
    assert answer.status_code == 200
    document = answer.json()
    assert set(document) == {"result", "error", "trace"}
    assert document["result"]["text"] == "a"
    assert (document["error"], document["trace"]) == (None, None)
    # It is a run of the service.
    record = service.get(answer.headers["Location"])
    assert (record["state"], record["params"], record["executor"]) == ("done", PARAMS, "sequential")
    assert service.get(f"{answer.headers['Location']}/results/result.json")["result"] == document["result"]


def test_a_request_of_2024_is_answered_with_the_result(service: ServedProcess) -> None:
    query = {**OF_2024, "results_url": str(service.results)}
    answer = run(service, query, data_connections_env_vars=None, lithops_config=None)
    assert answer.status_code == 200
    document = answer.json()
    assert set(document) == {"result", "error", "traceback"}
    assert document["result"]["text"] == "a"
    assert (document["error"], document["traceback"]) == (None, None)


def test_an_asynchronous_run_uses_processes(service: ServedProcess) -> None:
    query = {**OF_2024, "execution_mode": "async"}
    answer = run(service, query, data_connections_env_vars={}, lithops_config={"lithops": {}})
    assert answer.status_code == 200
    assert service.get(answer.headers["Location"])["executor"] == "processes"


@pytest.mark.parametrize(("query", "key"), [(OF_2024, "traceback"), (OF_2026, "trace")])
def test_a_run_that_fails_is_answered_with_its_error(service: ServedProcess, query: Any, key: str) -> None:
    answer = run(service, query, {"second": {"fail": True}})
    assert answer.status_code == 409
    document = answer.json()
    assert set(document) == {"result", "error", key}
    assert document["result"] is None
    assert document["error"] == "FL732 second.fail: it was to fail\n  hint: do not let it fail"


def test_an_invoker_that_does_not_wait_is_answered_at_once(service: ServedProcess) -> None:
    answer = run(service, {**OF_2026, "invoker_type": "AsyncLocalSubprocessInvoker"})
    assert answer.status_code == 202
    assert answer.json() == {"result": {}, "error": None, "trace": None}
    assert service.ended(run_of(answer))["state"] == "done"


def test_a_run_that_takes_longer_than_its_timeout_is_cancelled(service: ServedProcess) -> None:
    answer = run(service, {**OF_2026, "timeout": 1}, {"first": {"seconds": 60}})
    assert answer.status_code == 409
    assert answer.json()["error"].startswith("FL795 ")
    assert service.ended(run_of(answer))["state"] == "cancelled"


def test_a_run_that_another_client_cancels_is_answered(service: ServedProcess) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(run, service, OF_2026, {"first": {"seconds": 60}})
        (running,) = _until_running(service)
        service.ask("POST", f"/runs/{running}/cancel")
        answer = waiting.result()
    assert answer.status_code == 409
    assert answer.json() == {"result": None, "error": "the run is cancelled", "trace": None}
    assert run_of(answer) == running


def test_each_of_many_clients_gets_its_own_result(service: ServedProcess) -> None:
    texts = [f"text {number}" for number in range(12)]
    with ThreadPoolExecutor(len(texts)) as threads:
        answers = list(threads.map(lambda text: run(service, OF_2026, {"first": {"text": text}}), texts))
    assert [answer.json()["result"]["text"] for answer in answers] == texts
    assert len(set(map(run_of, answers))) == len(texts)


def test_a_run_goes_on_if_its_client_leaves(service: ServedProcess) -> None:
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{service.address}/",
            json={"params": {"first": {"seconds": 1.5, "text": "left"}}},
            params=OF_2026,
            headers=dict(service.session.headers),
            timeout=0.5,
        )
    newest = service.get("/runs")["runs"][0]["id"]
    ended = service.ended(newest)
    assert (ended["state"], ended["params"]["first"]["text"]) == ("done", "left")


def _until_running(service: ServedProcess) -> list[str]:
    until = time.monotonic() + 60
    while not (runs := service.get("/runs", params={"state": "running"})["runs"]):
        assert time.monotonic() < until
        time.sleep(0.02)
    return [record["id"] for record in runs]


@pytest.mark.parametrize(
    ("query", "body", "code"),
    [
        ({}, {"data_connections_env_vars": {"A": PLANTED}}, "FL791"),
        ({"results_url": "s3://bucket/run"}, {}, "FL792"),
        ({"results_url": "/etc"}, {}, "FL792"),
        ({"matchspec": "another"}, {}, "FL793"),
        ({"matchspec": f"{NAME}==99"}, {}, "FL793"),
        ({"invoker_type": "CloudBatchInvoker"}, {}, "FL794"),
        ({"docker_image_uri": "example.org/image"}, {}, "FL794"),
        ({}, {"lithops_config": {"lithops": {"backend": "gcp_cloudrun"}}}, "FL794"),
        ({"execution_mode": "parallel"}, {}, "FL771"),
        ({"unknown": "1"}, {}, "FL771"),
        ({}, {"unknown": 1}, "FL771"),
        ({}, {"params": [PLANTED]}, "FL771"),
        ({}, {"params": {"first": PLANTED}}, "FL771"),
        ({}, {"data_connections_env_vars": {"A": [PLANTED]}}, "FL771"),
        ({}, {"data_connections_env_vars": PLANTED}, "FL771"),
        ({}, {"params": {"first": {"second": 1}}}, "FL725"),
        ({}, {"params": {"other": {}}}, "FL724"),
    ],
)
def test_what_cannot_be_served_is_refused_before_a_run(
    service: ServedProcess, query: dict[str, str], body: dict[str, Any], code: str
) -> None:
    runs = service.get("/runs")
    answer = service.ask("POST", "/", json={"params": PARAMS, **body}, params={**OF_2024, **query})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code
    assert PLANTED not in answer.text
    assert service.get("/runs") == runs


def test_secrets_of_requests_are_written_nowhere(service: ServedProcess) -> None:
    for value in (PLANTED, [PLANTED]):
        assert run(service, OF_2024, data_connections_env_vars={"A": value}).status_code == 422
    files = [path for path in service.folder.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if PLANTED.encode() in path.read_bytes()]


@pytest.mark.parametrize("path", ["/", "/formdata-to-params", "/params-to-formdata"])
@pytest.mark.parametrize(("data", "status"), BODIES)
def test_a_body_that_is_not_json_is_refused(
    service: ServedProcess, path: str, data: bytes, status: int
) -> None:
    query = OF_2024 if path == "/" else {}
    headers = {"Content-Type": "application/json"}
    try:
        answer = service.ask("POST", path, data=data, params=query, headers=headers)
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        # The connection was closed before all of the body was sent.
        assert status == 413
        return
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("GET", "/rjsf"),
        ("GET", "/params"),
        ("GET", "/data-connection-property-names"),
        ("POST", "/formdata-to-params"),
        ("POST", "/params-to-formdata"),
    ],
)
def test_only_the_health_is_public(service: ServedProcess, method: str, path: str) -> None:
    address = f"{service.address}{path}"
    answer = requests.request(method, address, params=OF_2024, json={"params": PARAMS}, timeout=60)
    assert answer.status_code == 401
    health = requests.get(f"{service.address}/", timeout=60)
    assert (health.status_code, health.json()) == (200, {"status": "ok"})


def test_documents_have_the_shape_of_their_services(service: ServedProcess) -> None:
    form = service.get("/rjsf")
    assert set(form) == {"title", "properties", "$defs", "additionalProperties", "uiSchema"}
    assert service.get("/params") == service.get("/schema")
    assert service.get("/data-connection-property-names") == {"S3": ["last"]}


def test_form_data_and_parameters_are_converted(service: ServedProcess) -> None:
    params = {"first": {"text": "é"}, "second": {"fail": True}}
    form = {"first": {"text": "é"}, "At the end": {"second": {"fail": True}}}
    to_form = service.ask("POST", "/params-to-formdata", json=params)
    assert (to_form.status_code, to_form.json()) == (200, form)
    to_params = service.ask("POST", "/formdata-to-params", json=form)
    assert (to_params.status_code, to_params.json()) == (200, params)


@pytest.mark.parametrize("document", INVALID_FORMS)
def test_invalid_form_data_is_refused_with_paths(service: ServedProcess, document: Any) -> None:
    answer = service.ask("POST", "/formdata-to-params", json=document)
    assert answer.status_code == 422
    (error,) = answer.json()["detail"]
    assert {"message", "path", "schema_path", "validator", "input"} <= set(error)
    value = document
    for part in error["path"]:
        value = value[part]
    assert value == error["input"]


def test_the_endpoints_are_described(service: ServedProcess) -> None:
    paths = service.get("/openapi.json")["paths"]
    assert {"200", "202", "409", "422", "429"} <= set(paths["/"]["post"]["responses"])
    assert "security" in paths["/"]["post"]
    assert "security" not in paths["/"]["get"]
