"""How long a run takes to end after Ctrl-C, by executor and by what its task does.

Beside it is a bare Python that is interrupted while it sleeps: the least that a process needs to end.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench._measure import print_table

GOAL = 1.0
ROUNDS = 3
KINDS = ("sleeping", "python", "c")
EXECUTORS = ("sequential", "threads", "processes")
RUN = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main('process_tasks:lasting'))"
BARE = "import pathlib, sys, time\npathlib.Path(sys.argv[1]).touch()\ntime.sleep(60)"
# The run of the tests, whose calls take a minute; the first one writes this file.
TESTS = Path(__file__).resolve().parent.parent / "tests"
STARTED, FLOOR = "pids-1.txt", "bare Python, asleep"


def seconds_to_end(command: list[str], started: Path) -> float:
    """Start a command, wait until it runs, interrupt it, and return how long it takes to end."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    null = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdin=null, stderr=null) as process:
        while not started.exists():
            time.sleep(0.01)
        # What began just now is to be in the midst of it.
        time.sleep(0.2)
        begun = time.perf_counter()
        process.send_signal(signal.SIGINT)
        process.wait()
        return time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    seconds: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            started = Path(folder, STARTED)
            bare = [sys.executable, "-c", BARE, str(started)]
            seconds.setdefault(FLOOR, []).append(seconds_to_end(bare, started))
        for executor in EXECUTORS:
            for kind in KINDS:
                with tempfile.TemporaryDirectory() as folder:
                    options = ["--executor", executor, "--set", f"lasts.kind={kind}", "--results", folder]
                    command = [sys.executable, "-c", RUN, "run", "--no-cache", *options]
                    took = seconds_to_end(command, Path(folder, STARTED))
                    seconds.setdefault(f"{executor}, {kind}", []).append(took)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    rows = [(name, value, "" if name == FLOOR else f"≤ {GOAL}") for name, value in medians.items()]
    print_table(("interrupted run", "seconds to its end", "goal"), rows)
