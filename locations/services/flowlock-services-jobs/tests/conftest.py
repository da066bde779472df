"""A bucket of moto's server of S3, with the connection to it in the environment."""

import os
import shutil
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection

import dagster as dg
import pytest

from flowlock_dagster.object_store import ObjectStore

BUCKET, PATIENCE = "visits", 60.0


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of S3 with a bucket."""
    program = shutil.which("moto_server")
    assert program is not None, "install moto[s3,server]"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen([program, "-p", str(port)], stdout=stream, stderr=stream)
        try:
            _make_bucket(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=20)


def _make_bucket(port: int) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        connection = HTTPConnection("127.0.0.1", port)
        try:
            connection.request("PUT", f"/{BUCKET}")
            assert connection.getresponse().status == 200
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.2)
        else:
            return
        finally:
            connection.close()


@pytest.fixture
def lake(server: str, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The bucket that the jobs read and write."""
    settings = {"ENDPOINT": server, "BUCKET": BUCKET, "ACCESS_KEY_ID": "ada", "SECRET_ACCESS_KEY": "x"}
    for name, value in settings.items():
        monkeypatch.setenv(f"FLOWLOCK_CONNECTIONS__S3__LAKE__{name}", value)
    return ObjectStore(connection="lake")


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a key for pseudonyms."""
    monkeypatch.setenv("FLOWLOCK_CONNECTIONS__KEY__PERSONS__ID", "2026-11")
    secret = b64encode(os.urandom(64)).decode()
    monkeypatch.setenv("FLOWLOCK_CONNECTIONS__KEY__PERSONS__SECRET", secret)
    return "persons"


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance of the tests' own."""
    home = str(tmp_path_factory.mktemp("home"))
    with dg.DagsterInstance.local_temp(home, {"telemetry": {"enabled": False}}) as instance:
        yield instance
