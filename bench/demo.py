"""`make demo` from nothing and again, beside a bare typer app: what a newcomer waits for.

From nothing it downloads the tools and the wheels, into caches that are empty: the network is measured too.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench._measure import print_table, side_by_side
from bench.pipeline import copy_sources
from bench.startup import bare_app

# Seconds.
FROM_NOTHING_GOAL, AGAIN_GOAL = 30, 1.5


def main() -> None:
    """Print the seconds of the first demo, of the second, and the medians of those after it."""
    with tempfile.TemporaryDirectory() as folder:
        root, bare = Path(folder, "workspace"), bare_app(Path(folder))
        copy_sources(root)
        try:
            first, second = demo(root), demo(root)
        except subprocess.CalledProcessError as error:
            print(f"skipped: the demo failed, as it does without a package index\n{error.stderr}")
            return
        medians = side_by_side(
            {
                "bare typer app": lambda: subprocess.run(
                    [sys.executable, bare, "--help"], check=True, stdout=subprocess.DEVNULL
                ),
                "make demo, later": lambda: demo(root),
            },
            repeat=5,
        )
    rows = [
        ("make demo, from nothing", first, f"≤ {FROM_NOTHING_GOAL}"),
        ("make demo, the second time", second, f"≤ {AGAIN_GOAL}"),
        ("make demo, later", medians["make demo, later"], f"≤ {AGAIN_GOAL}"),
        ("bare typer app", medians["bare typer app"], ""),
    ]
    print_table(("demo", "seconds", "goal"), rows)


def demo(root: Path) -> float:
    """Run `make demo` with caches of its own, and return the seconds that it took."""
    ours = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    caches = {"UV_CACHE_DIR": str(root.parent / "uv"), "PIP_NO_CACHE_DIR": "1"}
    started = time.perf_counter()
    subprocess.run(["make", "demo"], cwd=root, env=ours | caches, check=True, capture_output=True, text=True)
    return time.perf_counter() - started
