"""What a shell sees of the command line: exit codes, one JSON document, closed pipes, interrupts."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared import ROOT

COMMAND = [sys.executable, "-m", "flowlock"]


def test_a_reader_that_goes_away_is_no_failure() -> None:
    with subprocess.Popen(
        [*COMMAND, "tasks"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        run.stdout.close()
        assert run.stderr is not None
        assert run.stderr.read() == b""
    assert run.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_output_that_is_full_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "tasks"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert "FL010" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bare_call_shows_the_help_and_exits_2() -> None:
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: flowlock")


@pytest.mark.parametrize("arguments", [["nope"], ["check", "--json"], ["-C", "/nope", "status"]])
def test_failures_with_json_print_one_document(arguments: list[str]) -> None:
    done = subprocess.run(
        [*COMMAND, "--json", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode in (1, 2)
    assert json.loads(done.stdout)["ok"] is False


def test_an_interrupt_exits_130_with_one_document_and_no_traceback(tmp_path: Path) -> None:
    subprocess.run([*COMMAND, "-C", tmp_path, "init", "birds"], check=True, capture_output=True)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "birds", check=True)
    argv = [*COMMAND, "-v", "--json", "--profile", "embedded", "sync"]
    environment = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(
        argv,
        cwd=tmp_path / "birds",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stderr is not None
        # Its first word: from here on there is work to interrupt.
        first = run.stderr.readline()
        time.sleep(0.2)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
    assert first
    assert run.returncode == 130, err
    assert json.loads(out)["message"] == "interrupted"
    assert "Traceback" not in err


def test_completion_answers_the_shell() -> None:
    environment = {
        **os.environ,
        "_FLOWLOCK_COMPLETE": "complete_bash",
        "COMP_WORDS": "flowlock che",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["check"]
