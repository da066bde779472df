"""Runs whose results go to a bucket, against moto's S3."""

import json
from pathlib import Path
from typing import Any

import pytest

from flowlock_core.cli import main
from flowlock_core.connections.s3 import S3
from flowlock_core.errors import WorkflowError
from flowlock_core.runs.object_blobs import ObjectBlobs
from flowlock_core.runs.results_url import ResultsUrl
from servers.objects import SECRET, ObjectStore

SOURCE = '''
"""A workflow of one step that writes a file."""
from typing import Any
from flowlock_core.execute import Steps
from flowlock_core.tasks.io import persist_text


def flow(step: Steps) -> Any:
    """Write a text."""
    return step(persist_text, "text").partial(text="high", filename="by/text.txt").call()
'''


@pytest.fixture
def folder(object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable, value in object_store.variables().items():
        monkeypatch.setenv(variable, value)
    for variable, value in {
        "AWS_ENDPOINT": object_store.url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "owner",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }.items():
        monkeypatch.setenv(variable, value)
    (tmp_path / "results_s3_flow.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    main("results_s3_flow:flow", [*arguments, "--json"])
    out, err = capsys.readouterr()
    assert SECRET not in out + err
    return json.loads(out)


@pytest.mark.parametrize("options", [[], ["--results-connection", "lake"]])
def test_a_run_to_a_bucket_by_environment_or_connection(
    options: list[str], folder: Path, object_store: ObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"s3://rivers/runs é/{len(options)}"
    results = ["--results", url, *options]
    done = command(capsys, "run", "-q", "--no-cache", *results)
    assert done.get("files") == [f"{url}/result.json"], done
    key = f"runs é/{len(options)}"
    assert object_store.get(f"{key}/by/text.txt") == b"high"
    assert object_store.get(f"{key}/runs/{done['run']}/artifacts/by/text.txt") == b"high"
    (listed,) = command(capsys, "runs", "ls", *results)["runs"]
    assert (listed["id"], listed["state"]) == (done["run"], "done")
    shown = command(capsys, "runs", "show", done["run"], *results)
    assert [record["status"] for record in shown["records"]] == ["done"]
    assert sorted(shown["files"]) == shown["files"]
    assert command(capsys, "runs", "rm", done["run"], *results) == {"removed": [done["run"]]}
    assert command(capsys, "runs", "ls", *results)["runs"] == []
    assert object_store.get(f"{key}/result.json")


def test_only_one_process_creates_an_object(folder: Path) -> None:
    url = ResultsUrl.parse("s3://rivers/once")
    assert url is not None
    blobs = [ObjectBlobs(url, None), ObjectBlobs(url, S3.named("lake"))]
    blobs[0].create("run.json", b"first")
    with pytest.raises(WorkflowError, match=r"s3://rivers/once/run\.json already exists"):
        blobs[1].create("run.json", b"second")
    assert blobs[1].get("run.json") == b"first"
    assert blobs[1].get("absent") is None


@pytest.mark.parametrize("bucket", ["gs://rivers/a", "az://box/a"])
def test_other_stores_without_credentials_are_told(
    bucket: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "absent.json"))
    failed = command(capsys, "runs", "ls", "--results", bucket)
    assert [problem["code"] for problem in failed["problems"]] == ["FL749"]


def test_a_connection_for_another_bucket_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failed = command(capsys, "runs", "ls", "--results", "s3://other/a", "--results-connection", "lake")
    assert [problem["code"] for problem in failed["problems"]] == ["FL749"]
    failed = command(capsys, "runs", "ls", "--results", "s3://other/a", "--results-connection", "absent")
    assert [problem["code"] for problem in failed["problems"]] == ["FL752"]
