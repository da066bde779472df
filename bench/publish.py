"""Publish 100 packages of 1 MB to a server that answers after 50 ms: concurrently, and one at a time."""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from bench._measure import print_table

# The servers of the tests, which this measurement needs too.
TESTS = Path(__file__).resolve().parent.parent / "tests"
COUNT, SIZE, LATENCY = 100, 1_000_000, 0.05
GOAL = 5.0
# Runs in a process of its own, so that its memory is the publisher's alone.
SCRIPT = """
import json, resource, sys, time
from pathlib import Path
from servers import venues
from servers.packages import pinned
from servers.venues import Venue
asked = json.loads(sys.argv[1])
venue = Venue(target=asked["target"], environ=asked["environ"], served=dict)
paths = sorted(Path(asked["artifacts"]).glob("*.conda"))
pins = [pinned(path) for path in paths]
idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
options = {"jobs": asked["jobs"]} if asked["jobs"] else {}
result = venues.run([venue], paths, Path(asked["folder"]), pins=pins, **options)
assert result.ok, result.as_text()
seconds = time.perf_counter() - started
print(json.dumps([seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) / 1024]))
"""


def main() -> None:
    """Print seconds and how far the publisher's memory grew, for both ways."""
    sys.path.insert(0, str(TESTS))
    from servers.packages import package

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ProcessPoolExecutor() as pool:
            made = [pool.submit(package, folder / "artifacts", f"p-{n}", size=SIZE) for n in range(COUNT)]
        for future in made:
            future.result()
        fast, fast_memory = _publish(folder, "concurrently", None)
        slow, slow_memory = _publish(folder, "one at a time", 1)
    rows = [
        ("concurrently", fast, slow / fast, f"≥ {GOAL}", f"{fast_memory:.0f} MB"),
        ("one at a time", slow, 1.0, "", f"{slow_memory:.0f} MB"),
    ]
    print_table((f"publish {COUNT} x {SIZE // 1_000_000} MB", "seconds", "faster", "goal", "memory"), rows)


def _publish(folder: Path, way: str, jobs: int | None) -> tuple[float, float]:
    """Publish once to an empty channel, and return seconds and megabytes."""
    from servers import venues
    from servers.loopback import Request, Response, answering
    from servers.prefix_dev import PrefixDev

    state = PrefixDev(tokens={venues.PREFIX_TOKEN})

    def late(request: Request) -> Response:
        time.sleep(LATENCY)
        return state.answer(request)

    with answering(late) as url:
        document: dict[str, Any] = {
            "target": f"prefix:{url}/flowlock",
            "environ": {"PREFIX_API_KEY": venues.PREFIX_TOKEN},
            "artifacts": str(folder / "artifacts"),
            "folder": str(folder / way),
            "jobs": jobs,
        }
        environment = {**os.environ, "PYTHONPATH": str(TESTS)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, json.dumps(document)],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        )
    seconds, memory = json.loads(done.stdout)
    return seconds, memory
