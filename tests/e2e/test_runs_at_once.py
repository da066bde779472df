"""Runs that are killed, and runs beside each other: each ends well, and none disturbs another."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from checkout import Checkout

Make = Callable[[], Checkout]

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds processes by /proc")


@contextmanager
def running(copy: Checkout, *arguments: str | Path) -> Iterator["subprocess.Popen[str]"]:
    """Start `flowlock run` as a user would, and end it with the block."""
    argv = [sys.executable, "-m", "flowlock", "--profile", "embedded", "run", *map(str, arguments)]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(argv, cwd=copy.root, env=kept, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def stopped_workflow(staging: Path) -> int:
    """Wait until a workflow's own process writes below a folder, stop it there, and return its id."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                argv = (process / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if len(argv) > 1 and argv[1].endswith("-workflow") and any(str(staging) in one for one in argv):
                os.kill(int(process.name), signal.SIGSTOP)
                return int(process.name)
        time.sleep(0.005)
    raise AssertionError("no workflow came to run")


def has_ended(process: int) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_killed_run_takes_its_workflow_along_and_the_next_run_tidies(checkout: Make) -> None:
    copy = checkout()
    results = copy.state.all_results
    with running(copy, "penguins") as process:
        workflow = stopped_workflow(results)
        process.kill()
        process.wait()
        assert has_ended(workflow)
    (left,) = names(results)
    assert left.startswith(".flowlock-tmp-penguins-")
    done = copy.flowlock("--json", "run", "penguins")
    assert done.document["status"] == "ran"
    assert names(results) == {"penguins"}


def test_a_run_keeps_its_environment_while_another_makes_the_next(checkout: Make, tmp_path: Path) -> None:
    copy = checkout()
    home = copy.state.environments("embedded", "penguins", "default")
    # The copy may come with environments that other tests made.
    shutil.rmtree(home, ignore_errors=True)
    with running(copy, "penguins", "--results", tmp_path / "one") as first:
        workflow = stopped_workflow(tmp_path)
        (old,) = names(home)
        module = copy.root / "src/flowlock-ext-tabular/flowlock_ext_tabular/__init__.py"
        text = module.read_bytes()
        module.unlink()
        module.write_bytes(text + b"\n# An edit.\n")
        copy.stages()
        second = copy.flowlock("--json", "run", "penguins", "--results", tmp_path / "two")
        assert second.code == 0, second.err
        new = second.document["environment"]
        assert names(home) == {old, new}
        os.kill(workflow, signal.SIGCONT)
        _, err = first.communicate()
        assert first.returncode == 0, err
    # The first one, which had made its environment, deleted it when the lock asked for the other.
    assert names(home) == {new}
    assert old != new
    assert {path.name for path in (tmp_path / "one").iterdir()} >= {"dashboard.html", "run.json"}


def test_two_runs_into_one_folder_come_one_after_the_other(checkout: Make) -> None:
    copy = checkout()
    assert copy.flowlock("run", "penguins").code == 0
    with running(copy, "penguins") as first:
        workflow = stopped_workflow(copy.state.all_results)
        with running(copy, "penguins") as second:
            assert second.stderr is not None
            told = iter(second.stderr.readline, "")
            assert any("another run is writing to .flowlock/results/penguins" in line for line in told)
            os.kill(workflow, signal.SIGCONT)
            assert first.wait() == 0
            assert second.wait() == 0
    assert names(copy.state.all_results) == {"penguins"}
