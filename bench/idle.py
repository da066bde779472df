"""An idle `sync` beside a bare typer app with as many commands: what finding nothing to do takes."""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench._measure import print_table, side_by_side
from bench.pipeline import clone, flowlock
from bench.startup import bare_app

# Seconds above the bare app.
GOAL = 0.35


def main() -> None:
    """Print the medians, and how far the sync is above the bare app."""
    with tempfile.TemporaryDirectory() as folder:
        copy, bare = Path(folder, "workspace"), bare_app(Path(folder))
        clone(copy)
        # The second one compiles and keeps what the first one made.
        for _ in range(2):
            flowlock(copy, "sync")
        medians = side_by_side(
            {
                "bare typer app": lambda: subprocess.run(
                    [sys.executable, bare, "--help"], check=True, stdout=subprocess.DEVNULL
                ),
                "sync, nothing to do": lambda: flowlock(copy, "sync"),
            },
            repeat=15,
        )
    floor = medians["bare typer app"]
    rows = [(name, value, value - floor, f"≤ {GOAL}") for name, value in medians.items()]
    print_table(("idle sync", "seconds", "above", "goal"), rows)
