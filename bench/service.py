"""What a service costs: the start of a run, answers under load, pages of many runs; beside their floors."""

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from bench._measure import print_table, side_by_side
from flowlock_core.cli import main as command
from flowlock_core.runs.event_lines import now_text
from flowlock_serve.runs.database import RunDatabase
from flowlock_serve.runs.record import RunEnd, RunOrder, ServedState

# The small workflow of the tests, and what serves it.
TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path.insert(0, str(TESTS))

if TYPE_CHECKING:
    from servers.service import ServedProcess

CLIENTS, RUNS, FINISHED = 20, 100, 10_000
START_GOAL, PAGE_GOAL, STATUS_GOAL = "≤ 0.5 s over the run", "≤ 10 ms", "p99 ≤ 150 ms"
PAGES = 50


def percentile(values: list[float], share: float) -> float:
    """Return the value that a share of all values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def starting(folder: Path) -> None:
    """Print how long a run takes from its request to its end, beside the same run without a service."""
    from servers.service import served

    with served(folder / "start") as service:

        def in_service() -> None:
            run = service.start()["id"]
            while service.get(f"/runs/{run}")["state"] != "done":
                time.sleep(0.005)

        arguments = ["run", "--no-history", "--quiet", "--json", "--results", str(folder / "alone")]
        alone = partial(command, "small_workflow.workflow:small", arguments)
        # Both have imported everything.
        in_service()
        _silent(alone)
        candidates: dict[str, Callable[[], object]] = {
            "run, in a process that has imported it": partial(_silent, alone),
            "run, in the service": in_service,
        }
        seconds = side_by_side(candidates, repeat=15)
    floor, cost = seconds.values()
    rows = [(name, value, "") for name, value in seconds.items()]
    print_table(("start", "seconds", "goal"), [*rows, ("over the run", cost - floor, START_GOAL)])


def _silent(call: Callable[[], object]) -> None:
    """Call without what it prints."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        call()


def loaded(folder: Path) -> None:
    """Print how long answers take while many clients start runs, and how many runs are lost."""
    from servers.service import served

    with served(folder / "load", "--queue", "1000") as service:
        idle = [timed(service, "/runs?limit=1") for _ in range(200)]
        ids: list[str] = []
        latencies: dict[str, list[float]] = {"status of a run": [], "health": []}
        began = time.perf_counter()
        threads = [
            threading.Thread(target=client, args=(service.address, ids, latencies)) for _ in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
        done = sum(service.get(f"/runs/{run}")["state"] == "done" for run in ids)
    rows = [("idle", statistics.median(idle) * 1e3, percentile(idle, 0.99) * 1e3, "")]
    for name, values in latencies.items():
        goal = STATUS_GOAL if name != "health" else ""
        rows.append((name, statistics.median(values) * 1e3, percentile(values, 0.99) * 1e3, goal))
    print_table((f"{RUNS} runs of {CLIENTS} clients", "p50 ms", "p99 ms", "goal"), rows)
    print(f"{done} of {RUNS} runs done in {seconds:.1f} s, {RUNS - len(set(ids))} lost")


def client(address: str, ids: list[str], latencies: dict[str, list[float]]) -> None:
    """Start some runs, and watch each until it has ended."""
    from servers.service import TOKEN

    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        for _ in range(RUNS // CLIENTS):
            run = session.post(f"{address}/runs", json={"params": {}}, timeout=60).json()["id"]
            ids.append(run)
            state = "queued"
            while state not in ("done", "failed", "interrupted", "cancelled"):
                began = time.perf_counter()
                state = session.get(f"{address}/runs/{run}", timeout=60).json()["state"]
                latencies["status of a run"].append(time.perf_counter() - began)
                began = time.perf_counter()
                session.get(f"{address}/health", timeout=60)
                latencies["health"].append(time.perf_counter() - began)
                time.sleep(0.1)


def timed(service: "ServedProcess", path: str) -> float:
    """Return how long a request takes."""
    began = time.perf_counter()
    service.get(path)
    return time.perf_counter() - began


def listing(folder: Path) -> None:
    """Print how long a page of many finished runs takes, beside an answer without any."""
    from servers.service import served

    database_folder = folder / "list/results/service"
    database_folder.mkdir(parents=True)
    database = RunDatabase(database_folder / "runs.sqlite")
    for _ in range(FINISHED):
        run = database.add(RunOrder(params={"first": {"text": "x"}}))
        end = RunEnd(state=ServedState.DONE, ended=now_text(), steps_ended=3, results=["result.json"])
        database.end(run.id, end)
    database.close()
    with served(folder / "list") as service:
        cursor = service.get("/runs?limit=500")["next"]
        paths = {
            "health": "/health",
            "first page": f"/runs?limit={PAGES}",
            "later page": f"/runs?limit={PAGES}&cursor={int(cursor) // 2}",
            "failed ones, of which there are none": f"/runs?limit={PAGES}&state=failed",
        }
        candidates: dict[str, Callable[[], object]] = {
            name: partial(service.get, path) for name, path in paths.items()
        }
        seconds = side_by_side(candidates, repeat=31)
    rows = [(name, value * 1e3, PAGE_GOAL if name != "health" else "") for name, value in seconds.items()]
    print_table((f"{FINISHED:,} finished runs, pages of {PAGES}", "ms", "goal"), rows)


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory(prefix="flowlock-bench-") as name:
        folder = Path(name)
        starting(folder)
        loaded(folder)
        listing(folder)


if __name__ == "__main__":
    main()
