"""A run that is interrupted or killed: it ends within a second, and leaves no process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from executions import is_running
from flowlock_core.runs.followers import RunState
from flowlock_core.runs.history import RunHistory
from flowlock_core.runs.storage import LocalRuns
from servers.dask_parts import dask_packages, use_dask_parts
from shared import ROOT

SCRIPT = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main(sys.argv.pop(1)))"
KINDS = ["sleeping", "python", "c"]
EXECUTORS = ["sequential", "threads", "processes"]
# What a loaded machine may add; left alone, the tasks take a minute.
SLACK = 20.0


@contextmanager
def run_of(
    folder: Path, executor: str, kind: str, *options: str
) -> Iterator[tuple[subprocess.Popen[str], set[str]]]:
    """Start a run of two calls that take a minute, and give the ids of all its processes once they run."""
    arguments = ["run", "--executor", executor, "--set", f"lasts.kind={kind}", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), *dask_packages()])}
    command = [sys.executable, "-c", SCRIPT, "process_tasks:lasting", *arguments]
    with subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process, pids_in(folder, 2 if executor in ("processes", "dask") else 1, process)
        finally:
            process.kill()


def pids_in(folder: Path, calls: int, process: subprocess.Popen[str]) -> set[str]:
    """Wait until calls run; return the ids of their processes."""
    until = time.monotonic() + 60
    while len(files := list(folder.glob("results/pids-?.txt"))) < calls:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    return {pid for file in files for pid in file.read_text().split()}


def assert_nothing_is_left(folder: Path, pids: set[str]) -> None:
    until = time.monotonic() + SLACK
    while any(map(is_running, pids)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not [pid for pid in pids if is_running(pid)]
    files = {path.name: path for path in (folder / "results").iterdir()}
    # The second call may be about to write its ids, which are the test's and no result.
    assert {name for name in files if not name.startswith("pids-")} == {"half.txt", "runs"}
    assert files["half.txt"].read_text() == "whole"
    history = RunHistory(LocalRuns(folder / "results"))
    # A process that only starts others has a copy of the lock, and ends soon.
    while history.runs()[0].state is RunState.RUNNING and time.monotonic() < until:
        time.sleep(0.02)
    assert [run.state for run in history.runs()] == [RunState.INTERRUPTED]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_interrupted_run_ends_within_a_second(executor: str, kind: str, tmp_path: Path) -> None:
    number = signal.SIGTERM if kind == "python" else signal.SIGINT
    with run_of(tmp_path, executor, kind) as (process, pids):
        began = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        seconds = time.monotonic() - began
    assert process.returncode == 130
    assert seconds < 1 + SLACK
    assert err.splitlines()[-2:] == [
        "error: FL003 interrupted",
        "  hint: the results of the finished steps are cached: run the same command with --resume",
    ]
    assert_nothing_is_left(tmp_path, pids)


@pytest.mark.parametrize("kind", ["sleeping", "c"])
def test_an_interrupted_run_ends_the_workers_that_it_has_started_with_dask(kind: str, tmp_path: Path) -> None:
    use_dask_parts()
    with run_of(tmp_path, "dask", kind) as (process, pids):
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "error: FL003 interrupted" in err
    assert_nothing_is_left(tmp_path, pids)


@pytest.mark.parametrize(
    ("executor", "kind"),
    [("sequential", "python"), ("threads", "sleeping"), ("processes", "c"), ("dask", "c")],
)
def test_a_run_that_is_killed_leaves_no_process(executor: str, kind: str, tmp_path: Path) -> None:
    if executor == "dask":
        use_dask_parts()
    with run_of(tmp_path, executor, kind) as (process, pids):
        process.kill()
        process.wait(timeout=30)
        assert_nothing_is_left(tmp_path, pids)


def test_with_json_an_ended_run_is_reported_on_stdout(tmp_path: Path) -> None:
    with run_of(tmp_path, "threads", "c", "--json", "--no-cache") as (process, _):
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    (problem,) = json.loads(out)["problems"]
    assert (problem["code"], problem["hint"]) == (
        "FL003",
        "no results were cached: run the same command again",
    )


def test_a_run_whose_process_dies_says_so(tmp_path: Path) -> None:
    (tmp_path / "dying.py").write_text(
        "from process_tasks import dies\n"
        "def main(step):\n    '''Die.'''\n"
        "    return step(dies, 'd').partial(value=1, at=1, how='SIGSEGV').call()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "dying:main", "run", "--no-cache"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT / 'tests'}"},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "error: FL756 the process of the run was ended by the signal SIGSEGV" in done.stderr
