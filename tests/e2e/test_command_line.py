"""What a shell sees of the command line: exit codes, one JSON document, closed pipes, interrupts."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer

from flowlock.cli import app
from shared import ROOT

COMMAND = [sys.executable, "-m", "flowlock"]
# As users have it: what is written may be kept until the end.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def test_a_reader_that_goes_away_is_no_failure() -> None:
    with subprocess.Popen(
        [*COMMAND, "tasks"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        run.stdout.close()
        assert run.stderr is not None
        assert run.stderr.read() == b""
    assert run.returncode == 0


@pytest.mark.parametrize("argument", ["tasks", "--help", "--version"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_output_that_is_full_is_said(argument: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, argument],
            cwd=ROOT,
            env=BUFFERED,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "FL010" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a shell of Windows cannot close a stream")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_an_output_that_is_closed_is_not_wanted(closed: str) -> None:
    for argument, code in (("tasks", 0), ("--help", 0), ("nope", 2)):
        command = f"{shlex.join([*COMMAND, argument])} {closed}"
        done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stdout + done.stderr


def test_a_bare_call_shows_the_help_and_exits_2() -> None:
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: flowlock")


@pytest.mark.parametrize("arguments", [["nope"], ["check", "nope"], ["-C", "/nope", "status"]])
def test_failures_with_json_print_one_document(arguments: list[str]) -> None:
    done = subprocess.run(
        [*COMMAND, "--json", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode in (1, 2)
    assert json.loads(done.stdout)["ok"] is False


def test_options_of_all_commands_may_stand_behind_the_command() -> None:
    before = subprocess.run(
        [*COMMAND, "--json", "-C", "examples", "tasks"], cwd=ROOT, capture_output=True, check=True
    )
    behind = subprocess.run(
        [*COMMAND, "tasks", "-C", "examples", "--json"], cwd=ROOT, capture_output=True, check=True
    )
    assert behind.stdout == before.stdout
    assert json.loads(behind.stdout)["tasks"]


def test_paths_are_relative_to_the_folder_that_is_named() -> None:
    argv = [*COMMAND, "-C", "examples", "check", "penguins/spec.yaml"]
    assert subprocess.run(argv, cwd=ROOT, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sync", "--profile"], "'--profile' requires an argument"),
        (["sync", "--profile", "nope"], "'nope' is not one of"),
        (["sync", "--nope"], "see `flowlock sync --help`"),
        (["check", "--", "--json"], "cannot read --json"),
        (["status", "-C", "nope"], "cannot go to nope"),
        (["channel", "serve", "--port", "80000"], "FL002 Invalid value for '--port'"),
        (["channel", "serve", "--port", "-1"], "FL002 Invalid value for '--port'"),
    ],
)
def test_options_that_are_wrong_are_told(arguments: list[str], message: str) -> None:
    done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if message.startswith("cannot") else 2)
    assert message in done.stdout + done.stderr


def test_no_command_has_an_option_of_the_name_of_a_shared_one() -> None:
    def names(command: Any) -> set[str]:
        found = {name for option in command.params for name in option.opts if name.startswith("-")}
        return found.union(*map(names, getattr(command, "commands", {}).values()))

    group: Any = typer.main.get_command(app)
    shared = {name for option in group.params for name in option.opts}
    assert not shared & set[str]().union(*map(names, group.commands.values()))


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
    environment = {**os.environ, "_FLOWLOCK_COMPLETE": "bash"}
    done = subprocess.run([*COMMAND, "che"], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["check"]
