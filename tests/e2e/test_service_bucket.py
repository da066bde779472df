"""A service whose results go to a bucket, against moto's S3."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from servers.objects import SECRET, ObjectStore
from servers.parts import packages_of
from servers.relay import Relay, relay
from servers.service import ServedProcess, served

URL = "s3://rivers/served é"
KEYS = "served é/service"


def variables_of(store: ObjectStore) -> dict[str, str]:
    """Return the environment of a service that may use the bucket by the connection `lake`."""
    search = os.pathsep.join((str(Path(__file__).parent.parent), *packages_of("connections")))
    return {**store.variables(), "PYTHONPATH": search}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, object_store: ObjectStore) -> Iterator[ServedProcess]:
    folder = tmp_path_factory.mktemp("bucket")
    options = bucket(folder)
    with served(folder, *options, variables=variables_of(object_store)) as process:
        yield process


def bucket(folder: Path, url: str = URL) -> tuple[str, ...]:
    return ("--results", url, "--results-connection", "lake", "--state", str(folder / "state"))


def local_files(service: ServedProcess, run: str) -> set[str]:
    return {path.name for path in (service.folder / "state/service" / run).iterdir()}


def test_results_are_read_from_the_bucket(service: ServedProcess, object_store: ObjectStore) -> None:
    run = service.ended(service.start({"first": {"text": "0123456789"}})["id"])
    assert run["state"] == "done", run
    assert run["results"] == ["note.txt", "result.json"]
    note = f"/runs/{run['id']}/results/note.txt"
    assert service.ask("GET", note).text == "0123456789"
    assert service.get(f"/runs/{run['id']}/results/result.json")["result"]["text"] == "0123456789"
    for header, text in (("bytes=2-4", "234"), ("bytes=-3", "789")):
        part = service.ask("GET", note, headers={"Range": header})
        assert (part.status_code, part.text) == (206, text)
    beyond = service.ask("GET", note, headers={"Range": "bytes=10-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */10")
    for path in ("none.txt", "../params.json", "%2e%2e/params.json", ""):
        assert service.ask("GET", f"/runs/{run['id']}/results/{path}").status_code == 404
    # Anyone who may read the bucket finds them there; this machine keeps what is small.
    assert object_store.get(f"{KEYS}/{run['id']}/results/note.txt") == b"0123456789"
    params = json.loads(object_store.get(f"{KEYS}/{run['id']}/params.json"))
    assert params == {"first": {"text": "0123456789"}}
    assert b"run ended" in object_store.get(f"{KEYS}/{run['id']}/log.jsonl")
    assert local_files(service, run["id"]) == {
        "params.json", "log.jsonl", "output.log", "report.json", "stored.json",
    }  # fmt: skip


def test_clients_of_wt_get_results_from_the_bucket(service: ServedProcess) -> None:
    query = {"execution_mode": "sequential", "mock_io": False, "matchspec": "small-workflow"}
    body = {"params": {"first": {"text": "of wt"}}}
    for url in (None, URL):
        answer = service.ask("POST", "/", json=body, params={**query, "results_url": url})
        assert (answer.status_code, answer.json()["result"]["text"]) == (200, "of wt"), answer.text


def test_an_empty_result_and_one_that_was_removed(service: ServedProcess, object_store: ObjectStore) -> None:
    run = service.ended(service.start()["id"])
    note = f"/runs/{run['id']}/results/note.txt"
    empty = service.ask("GET", note)
    assert (empty.status_code, empty.text, empty.headers["Content-Length"]) == (200, "", "0")
    object_store.delete(f"{KEYS}/{run['id']}/results/result.json")
    removed = service.ask("GET", f"/runs/{run['id']}/results/result.json")
    assert (removed.status_code, removed.json()["code"]) == (404, "FL775")


def test_a_removed_run_is_removed_from_the_bucket(service: ServedProcess, object_store: ObjectStore) -> None:
    kept, run = (service.ended(service.start({"first": {"text": text}})["id"]) for text in "ab")
    assert any(run["id"] in key for key in object_store.listed())
    assert service.ask("DELETE", f"/runs/{run['id']}").status_code == 204
    assert not any(run["id"] in key for key in object_store.listed())
    assert any(kept["id"] in key for key in object_store.listed())


def test_retention_counts_and_removes_what_is_in_the_bucket(
    tmp_path: Path, object_store: ObjectStore
) -> None:
    options = (*bucket(tmp_path, f"{URL}/kept"), "--keep-runs", "1")
    with served(tmp_path, *options, variables=variables_of(object_store)) as service:
        old, new = (service.ended(service.start()["id"])["id"] for _ in range(2))
        service.until_removed(old)
        keys = object_store.listed()
        assert any(new in key for key in keys)
        assert not any(old in key for key in keys)


def test_the_secret_is_written_nowhere_and_unknown_to_steps(service: ServedProcess) -> None:
    names = ["FLOWLOCK_CONNECTIONS__S3__LAKE__SECRET_ACCESS_KEY", "PYTHONPATH"]
    run = service.ended(service.start({"last": {"variables": names}})["id"])
    seen = service.get(f"/runs/{run['id']}/results/result.json")["result"]["variables"]
    assert seen[names[0]] is None
    assert seen[names[1]] is not None
    answers = [service.ask("GET", f"/runs/{run['id']}{path}").text for path in ("", "/logs", "/events")]
    assert not [text for text in answers if SECRET in text]
    files = [path for path in service.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_results_that_cannot_be_uploaded_are_kept_and_the_run_can_be_resumed(
    tmp_path: Path, object_store: ObjectStore
) -> None:
    variables = variables_of(object_store)
    with relay() as network:
        network.target = ("127.0.0.1", urlsplit(object_store.url).port or 0)
        variables["FLOWLOCK_CONNECTIONS__S3__LAKE__ENDPOINT"] = f"http://{network.address}"
        with served(tmp_path, *bucket(tmp_path, f"{URL}/lost"), variables=variables) as service:
            _lose(service, network, object_store)


def _lose(service: ServedProcess, network: Relay, store: ObjectStore) -> None:
    done = service.ended(service.start({"first": {"text": "x"}})["id"])
    network.refusing = True
    network.cut()
    lost = service.ended(service.start({"first": {"text": "kept"}})["id"])
    assert (lost["state"], lost["problems"][0]["code"]) == ("failed", "FL749"), lost
    kept = service.folder / "state/service" / lost["id"] / "results"
    assert str(kept) in lost["problems"][0]["message"]
    assert (kept / "note.txt").read_text() == "kept"
    for method, path in (("GET", "/results/note.txt"), ("DELETE", "")):
        answer = service.ask(method, f"/runs/{done['id']}{path}")
        assert (answer.status_code, answer.json()["code"]) == (503, "FL749")
        assert answer.headers["Retry-After"]
    network.refusing = False
    _cut_off(service, network, store, done["id"])
    network.refusing = False
    resumed = service.ask("POST", f"/runs/{lost['id']}/resume").json()
    assert service.ended(resumed["id"])["state"] == "done"
    assert service.ask("GET", f"/runs/{resumed['id']}/results/note.txt").text == "kept"
    assert "Traceback" not in service.log


def _cut_off(service: ServedProcess, network: Relay, store: ObjectStore, run: str) -> None:
    """Cut the connection to the bucket while a large result is downloaded."""
    size = 60_000_000
    store.put(f"{KEYS.replace('/service', '/lost/service')}/{run}/results/note.txt", b"x" * size)
    stored = service.folder / "state/service" / run / "stored.json"
    stored.write_text(json.dumps({**json.loads(stored.read_text()), "sizes": {"note.txt": size}}))
    with service.ask("GET", f"/runs/{run}/results/note.txt", stream=True) as download:
        pieces = download.iter_content(1 << 16)
        assert next(pieces) == b"x" * (1 << 16)
        # A connection that was only cut is made again, and the rest requested.
        network.refusing = True
        network.cut()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            sum(map(len, pieces))
    log = service.until_logged("incomplete")
    assert "was cut off: cannot access s3://rivers/" in log


def test_a_service_of_another_bucket_says_where_the_results_are(
    tmp_path: Path, object_store: ObjectStore
) -> None:
    variables = variables_of(object_store)
    with served(tmp_path, *bucket(tmp_path, f"{URL}/one"), variables=variables) as service:
        run = service.ended(service.start()["id"])
    with served(tmp_path, "--results", str(tmp_path / "state"), variables=variables) as service:
        answer = service.ask("GET", f"/runs/{run['id']}/results/note.txt")
        assert (answer.status_code, answer.json()["code"]) == (409, "FL749")
        assert f"{URL}/one" in answer.json()["hint"]
        own = service.ended(service.start({"first": {"text": "here"}})["id"])
    with served(tmp_path, *bucket(tmp_path, f"{URL}/one"), variables=variables) as service:
        for known, text in ((run, ""), (own, "here")):
            assert service.ask("GET", f"/runs/{known['id']}/results/note.txt").text == text


@pytest.mark.parametrize(
    ("options", "changed", "code"),
    [
        (bucket(Path("x"), "s3://none-there/x"), {"BUCKET": "none-there"}, "FL749"),
        (bucket(Path("x"), "s3://another/x"), {}, "FL749"),
        (("--results", URL, "--results-connection", "unknown"), {}, "FL752"),
        (("--results", "x", "--results-connection", "lake"), {}, "FL739"),
        (("--results", "s3://user:word@rivers/x"), {}, "FL748"),
        (("--results", "https://example.org/x"), {}, "FL748"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_reported_at_the_start(
    tmp_path: Path, object_store: ObjectStore, options: Any, changed: dict[str, str], code: str
) -> None:
    prefix = "FLOWLOCK_CONNECTIONS__S3__LAKE__"
    variables = variables_of(object_store) | {f"{prefix}{name}": value for name, value in changed.items()}
    with (
        pytest.raises(AssertionError, match=code) as caught,
        served(tmp_path / "s", *options, variables=variables),
    ):
        pass
    assert "Traceback" not in str(caught.value)
    assert SECRET not in str(caught.value)
