"""From saving an edit of carbon's spec to its drawn chart in a browser, beside a bare run of the workflow."""

import itertools
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench._measure import print_table, side_by_side
from bench.pipeline import clone, flowlock

# The browser of the tests, which this measurement needs too.
TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path.insert(0, str(TESTS))

GOAL = "≤ 1 s"
BEFORE = "title: Weeks measured"


def main() -> None:
    """Print the medians, and each beside the run."""
    from servers.browser import chromium

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "workspace")
        clone(copy)
        flowlock(copy, "sync", "carbon")
        command = [
            sys.executable,
            "-m",
            "flowlock",
            "--profile",
            "embedded",
            "preview",
            "carbon",
            "--no-open",
        ]
        environment = {**os.environ, "FLOWLOCK_CACHE_DIR": str(Path(folder, "results"))}
        with (
            subprocess.Popen(
                command,
                cwd=copy,
                env=environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            ) as process,
            chromium() as browser,
        ):
            page = browser.new_page()
            page.set_default_timeout(300_000)
            page.goto(process.stdout.readline().strip() if process.stdout else "")
            page.locator("html[data-state=ready]").wait_for()
            medians = _measured(copy, page)
            process.kill()
    floor = medians["a bare run"]
    rows = [(name, value, value / floor, GOAL) for name, value in medians.items()]
    print_table(("preview", "seconds", "ratio", "goal"), rows)


def _measured(copy: Path, page: Any) -> dict[str, float]:
    spec = copy / "examples/carbon/spec.yaml"
    text = spec.read_text(encoding="utf-8")
    numbers = itertools.count()

    def edit() -> None:
        title = f"Weeks {next(numbers)}"
        spec.write_text(text.replace(BEFORE, f"title: {title}"), encoding="utf-8")
        frame = page.frame_locator("#dashboard")
        frame.get_by_role("heading", name=title, exact=True).wait_for()
        frame.locator(".main-svg").first.wait_for()

    # What the first edits import and check is there for all others.
    for _ in range(3):
        edit()
        page.wait_for_timeout(3000)
    return side_by_side(
        {
            "a bare run": lambda: flowlock(copy, "run", "carbon", "--frozen"),
            "an edit of the spec, seen": edit,
        },
        repeat=7,
    )
