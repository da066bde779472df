"""What a shell waits for when Tab is pressed: an answer beside a bare typer app's help."""

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench._measure import print_table, side_by_side
from bench.startup import bare_app
from flowlock.cli.completion import VARIABLE

GOAL = 0.15
LINES = (("run", ""), ("build", ""), ("tasks", ""), ("explain", ""), ("lock", "-e", ""))


def main() -> None:
    """Print the median seconds of each answer."""
    with tempfile.TemporaryDirectory() as folder:
        bare = [sys.executable, str(bare_app(Path(folder))), "--help"]
        run = {"bare typer app": partial(_silent, bare)}
        for words in LINES:
            command = [sys.executable, "-m", "flowlock", *words]
            run[f"flowlock {' '.join(words)}<Tab>"] = partial(_silent, command)
        medians = side_by_side(run, repeat=9)
    rows = [(name, seconds, f"≤ {GOAL}") for name, seconds in medians.items()]
    print_table(("completion", "seconds", "goal"), rows)


def _silent(command: list[str]) -> None:
    environment = {**os.environ, VARIABLE: "zsh"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
