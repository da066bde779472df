"""Runs on a Dask cluster that is there already: what is refused before the first call, and what runs."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flowlock_core.cli import main
from servers.dask_parts import PARTS, dask_packages, use_dask_parts
from servers.real import free_port
from shared import ROOT

WORKFLOW = "process_tasks:sleeping_sum"
# The values of the workflow.
SET = ("run", "--set", "naps.seconds=0.05", "--no-history")


@contextmanager
def process(python: Path, program: str, *arguments: str, **environment: str) -> Iterator[None]:
    """Run `dask scheduler` or `dask worker` until the block ends."""
    command = [str(python), "-m", f"distributed.cli.dask_{program}", *arguments]
    paths = [environment.pop("first", ""), str(ROOT / "tests"), environment.pop("packages", "")]
    variables = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), **environment}
    with subprocess.Popen(
        command, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        try:
            yield
        finally:
            running.kill()


def packages() -> str:
    return os.pathsep.join(dask_packages())


@contextmanager
def scheduler(python: Path = Path(sys.executable)) -> Iterator[str]:
    port = free_port()
    arguments = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-dashboard",
        "--dashboard-address",
        "127.0.0.1:0",
    ]
    with process(python, "scheduler", *arguments, packages=packages()):
        wait_for(port)
        yield f"tcp://127.0.0.1:{port}"


def wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the scheduler does not listen")


@contextmanager
def worker(
    address: str, python: Path = Path(sys.executable), *options: str, first: str = ""
) -> Iterator[None]:
    arguments = [address, "--host", "127.0.0.1", "--nthreads", "2", "--no-dashboard", *options]
    with process(python, "worker", *arguments, packages=packages(), first=first):
        yield


@pytest.fixture(autouse=True)
def _parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_dask_parts()
    monkeypatch.chdir(tmp_path)


def refused(capsys: pytest.CaptureFixture[str], address: str, *options: str) -> str:
    assert main(WORKFLOW, [*SET, "--executor", "dask", "--scheduler", address, *options]) == 1
    return capsys.readouterr().err


def test_a_run_uses_the_workers_of_a_cluster(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with scheduler() as address, worker(address, Path(sys.executable), "--no-nanny"):
        options = ["--executor", "dask", "--scheduler", address, "--set", "naps.seconds=0.05"]
        assert main(WORKFLOW, ["run", *options]) == 0
        assert main(WORKFLOW, ["run", *options, "--resume"]) == 0
        err = capsys.readouterr().err
        assert re.search(r"^reused   total ", err, re.MULTILINE)
        assert (tmp_path / "results/result.json").exists()
        # Nobody is left to write there, and the marks are gone.
        assert not list((tmp_path / "results").glob(".flowlock-*"))


def test_a_worker_with_other_code_or_versions_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    (other / "pandas-0.0.1.dist-info").mkdir(parents=True)
    (other / "pandas-0.0.1.dist-info/METADATA").write_text("Name: pandas\nVersion: 0.0.1\n")
    (other / "process_tasks.py").write_text((ROOT / "tests/process_tasks.py").read_text() + "\n# other\n")
    with scheduler() as address, worker(address, first=str(other)):
        err = refused(capsys, address)
    assert re.search(
        r"FL764 the worker tcp://127\.0\.0\.1:\d+ has pandas 0\.0\.1, and this run has pandas \d", err
    )
    assert re.search(r"FL764 the worker tcp://\S+ has other files of process_tasks than this run", err)
    assert not list(tmp_path.glob("results/*"))


def test_a_worker_without_the_run_time_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with scheduler() as address, worker(address, PARTS / "bin/python"):
        err = refused(capsys, address)
    assert re.search(r"FL764 the worker tcp://\S+ cannot say which code it has: .*flowlock_core", err)


def test_a_worker_that_cannot_limit_calls_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with scheduler() as address, worker(address):
        options = ["run", "--executor", "dask", "--scheduler", address, "--no-history"]
        assert main("process_tasks:limited", options) == 1
        err = capsys.readouterr().err
    assert "FL765" in err
    assert "--no-nanny" in err


def test_a_scheduler_without_workers_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with scheduler() as address:
        assert "FL763 the Dask scheduler at tcp://127.0.0.1:" in refused(capsys, address)


@pytest.mark.parametrize("kind", ["nothing", "silent"])
def test_an_address_without_a_scheduler_is_told_soon(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if kind == "silent":
            listening.listen()
        began = time.monotonic()
        err = refused(capsys, f"tcp://127.0.0.1:{listening.getsockname()[1]}")
    assert time.monotonic() - began < 30
    assert "FL763" in err
    assert "cannot be reached" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("address", ["nowhere", "tcp://", "http://127.0.0.1:80", "127.0.0.1:99999", "a b:1"])
def test_what_is_no_address_is_refused(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(WORKFLOW, [*SET, "--executor", "dask", "--scheduler", address]) == 2
    assert "is not the address of a Dask scheduler" in capsys.readouterr().err


def test_without_the_package_the_way_out_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowlock_core.command.options.find_spec", lambda _module: None)
    assert main(WORKFLOW, [*SET, "--executor", "dask"]) == 1
    err = capsys.readouterr().err
    assert "FL762 --executor dask needs the package distributed" in err
    assert "--executor processes" in err


def test_an_address_is_only_for_dask(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(WORKFLOW, [*SET, "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert "FL739 --scheduler cannot be used with sequential execution" in capsys.readouterr().err
