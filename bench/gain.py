"""What an example on 438,320 rows gains from two processes, as a user runs it and on a pool that is warm."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import yaml

from bench._measure import print_table, side_by_side
from flowlock_core.execute import Options, RunLog, Workflow, run_plan, trace
from flowlock_core.execute.pool import Pool
from flowlock_core.execute.pools import InlinePool, ThreadPool
from flowlock_core.execute.pools.processes import ProcessPool

JOBS = 2
ROUNDS = 3
# Without the start of Python to pay back, half of the work shows the same.
WARM_RESAMPLES = 5000
GOAL = 1.6
EXAMPLE = Path(__file__).parent.parent / "examples/trends"
PACKAGE = EXAMPLE / "flowlock-trends-workflow"
PARAMS = EXAMPLE / "params.yaml"
COMMAND = "import sys; from flowlock_core.cli import main; sys.exit(main(sys.argv[1], sys.argv[2:]))"
WORKFLOW = "flowlock_trends_workflow.workflow:trends"


def run_command(executor: str, results: Path) -> None:
    """Run the command of the workflow with an empty cache, from the start of Python to its end."""
    options = [
        "--params",
        str(PARAMS),
        "--results",
        str(results),
        "--executor",
        executor,
        "--no-history",
        "--quiet",
    ]
    if executor != "sequential":
        options += ["--jobs", str(JOBS)]
    subprocess.run(
        [sys.executable, "-c", COMMAND, WORKFLOW, "run", *options],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
    )


def run_on(pool: Pool, workflow: Workflow, results: Path) -> None:
    """Run the steps alone, on a pool that has started."""
    params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    params["station_trends"]["resamples"] = WARM_RESAMPLES
    options = Options(params=params, base=EXAMPLE, results=results, jobs=JOBS)
    run_plan(trace(workflow), options, pool, RunLog())


def whole_commands(folder: Path) -> None:
    """Print the seconds of whole commands."""
    fresh = (folder / f"command-{number}" for number in range(sys.maxsize))

    def command(executor: str) -> None:
        results = next(fresh)
        run_command(executor, results)
        tables.add((results / "trends.csv").read_bytes())

    tables: set[bytes] = set()
    executors = ("sequential", "threads", "processes")
    seconds = side_by_side({name: partial(command, name) for name in executors}, repeat=ROUNDS)
    assert len(tables) == 1, "the executors give different trends"
    print_seconds("the whole command", seconds)


def steps_alone(folder: Path) -> None:
    """Print the seconds of the steps on pools that are warm."""
    sys.path.insert(0, str(PACKAGE))
    from flowlock_trends_workflow.workflow import trends

    with ThreadPool.of(JOBS) as threads, ProcessPool.of(JOBS) as processes:
        pools: dict[str, Pool] = {"sequential": InlinePool(), "threads": threads, "processes": processes}
        candidates: dict[str, Callable[[], object]] = {
            name: partial(run_on, pool, trends, folder / f"steps-{name}") for name, pool in pools.items()
        }
        # The first run on the processes imports the tasks in them.
        candidates["processes"]()
        seconds = side_by_side(candidates, repeat=ROUNDS)
    print_seconds("the steps, on warm pools", seconds)


def print_seconds(title: str, seconds: Mapping[str, float]) -> None:
    """Print the seconds of the executors, and how many times faster than sequential they are."""
    goals = {"processes": f"≥ {GOAL}"}
    rows = [
        (name, value, seconds["sequential"] / value, goals.get(name, "")) for name, value in seconds.items()
    ]
    print_table((f"{title}, {JOBS} at a time", "seconds", "times faster", "goal"), rows)


def main() -> None:
    """Print the tables."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        whole_commands(Path(folder))
        steps_alone(Path(folder))
    print(f"measured in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
