"""A process that shares our output, and how it is ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flowlock.edges.process import attached

# Counts the signals that it gets; ends at the number that it is given.
CHILD = """
import signal, sys, time
count = 0
def count_one(number, frame):
    global count
    count += 1
    print("signal", number, flush=True)
    if count == int(sys.argv[1]):
        sys.exit(5)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, count_one)
print("ready", flush=True)
time.sleep(60)
time.sleep(60)
"""
PARENT = """
import os, sys
from flowlock.edges.process import attached
try:
    code = attached([sys.executable, *sys.argv[1:]], env=dict(os.environ))
except KeyboardInterrupt:
    code = 130
print("code", code, flush=True)
"""


def started(folder: Path, until: int) -> subprocess.Popen[str]:
    """Start a process that runs a child attached to it; the child is ready."""
    (folder / "child.py").write_text(CHILD)
    command = [sys.executable, "-c", PARENT, str(folder / "child.py"), str(until)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def rest(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=20)
    return str(out).splitlines()


def test_the_exit_code_is_returned_and_nothing_is_read() -> None:
    read = "import sys; sys.exit(3 if sys.stdin.read() == '' else 4)"
    assert attached([sys.executable, "-c", read], env=dict(os.environ)) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_passed_on_and_the_process_decides(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = started(tmp_path, until=1)
    process.send_signal(number)
    assert rest(process) == [f"signal {int(number)}", "code 5"]


def test_a_second_interrupt_ends_a_process_that_does_not_end_itself(tmp_path: Path) -> None:
    process = started(tmp_path, until=9)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == f"signal {int(signal.SIGINT)}\n"
    process.send_signal(signal.SIGINT)
    assert rest(process) == ["code 130"]


def test_what_a_shell_starts_in_the_background_can_be_interrupted() -> None:
    shown = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    # The shell lets it ignore interrupts, as it lets all that it starts in the background.
    command = '"$0" -c "$2" & wait $!; "$0" -c "$1" -c "$2" & wait $!'
    arguments = ["sh", "-c", command, sys.executable, PARENT, shown]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout == "True\nFalse\ncode 0\n"
