"""What running a step costs beyond the task itself, on each executor, beside the floor.

Dagster runs the same 1,000 steps if `FLOWLOCK_BENCH_DAGSTER` names a Python that has it.
"""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from bench._measure import print_table, side_by_side
from flowlock_core.execute import Options, Plan, Run, RunLog, Steps, run_plan, trace
from flowlock_core.execute.pools import InlinePool, ThreadPool
from flowlock_core.task import task

SIZE = 1000
ROUNDS = 7
JOBS = 2
NAP = 0.001
MAP_GOAL = 1.2
# µs a task, by shape: sequential and threads.
GOALS = {"chain": (50, 100), "wide": (30, 50), "map": (5, 30)}
DAGSTER = """
import logging, time
from dagster import DagsterInstance, job, op
logging.disable(logging.CRITICAL)
@op
def increment(value: int) -> int:
    return value + 1
@op
def start() -> int:
    return 0
@job
def chain():
    value = start()
    for _ in range({size}):
        value = increment(value)
with DagsterInstance.ephemeral() as instance:
    began = time.perf_counter()
    assert chain.execute_in_process(instance=instance).success
    print((time.perf_counter() - began) / {size} * 1e6)
"""


@task
def increment(value: int, by: int = 1) -> int:
    """Add to a number."""
    return value + by


@task
def nap(value: int) -> int:
    """Sleep for a moment, without the interpreter's lock."""
    time.sleep(NAP)
    return value


@task
def numbers(count: int) -> list[int]:
    """Make numbers."""
    return list(range(count))


def chain(step: Steps) -> Any:
    """Run a step on the result of the one before, many times."""
    value = 0
    for number in range(SIZE):
        value = step(increment, f"s{number}").partial(value=value, by=1).call()
    return value


def wide(step: Steps) -> Any:
    """Run many steps that do not need each other."""
    return [step(increment, f"s{number}").partial(value=number).call() for number in range(SIZE)]


def mapped(step: Steps) -> Any:
    """Run one step over many elements."""
    values = step(numbers, "numbers").partial(count=SIZE).call()
    return step(increment, "incremented").partial(by=2).map("value", values)


def naps(step: Steps) -> Any:
    """Sleep many times."""
    values = step(numbers, "numbers").partial(count=SIZE).call()
    return step(nap, "nap").map("value", values)


SHAPES = {"chain": chain, "wide": wide, "map": mapped}


def sequential(plan: Plan) -> None:
    """Run a plan in this thread."""
    run_plan(plan, Options(), InlinePool(), RunLog())


def threads(plan: Plan) -> None:
    """Run a plan on threads."""
    with ThreadPool.of(JOBS) as pool:
        run_plan(plan, Options(), pool, RunLog())


def checked_calls() -> None:
    """Check the arguments and call the function as often."""
    value = 0
    for _ in range(SIZE):
        value = increment.validate().call(value=value, by=1)


def overhead() -> None:
    """Print the cost of a trivial task in each shape of workflow, on each executor."""
    candidates: dict[str, Callable[[], object]] = {"checked call": checked_calls}
    for name, workflow in SHAPES.items():
        plan = trace(workflow)
        candidates |= {
            f"{name}, trace": partial(trace, workflow),
            f"{name}, eager": partial(Run.of, workflow, Options()),
            f"{name}, sequential": partial(sequential, plan),
            f"{name}, threads": partial(threads, plan),
        }
    # The processor's time: what else runs on this machine is no overhead of ours.
    seconds = side_by_side(candidates, repeat=ROUNDS, clock=time.process_time)
    costs = {name: cost / SIZE * 1e6 for name, cost in seconds.items()}
    floor = costs["checked call"]
    goals = {f"{name}, sequential": goal for name, (goal, _) in GOALS.items()}
    goals |= {f"{name}, threads": goal for name, (_, goal) in GOALS.items()}
    print_table(
        (f"{SIZE:,} trivial tasks", "µs a task", "ratio", "goal"),
        [
            (name, cost, cost / floor, f"≤ {goals[name]} µs" if name in goals else "")
            for name, cost in costs.items()
        ],
    )
    beside_dagster(costs)


def beside_dagster(costs: Mapping[str, float]) -> None:
    """Print how many times more the same chain costs in Dagster."""
    python = os.environ.get("FLOWLOCK_BENCH_DAGSTER")
    if python is None:
        print("Dagster: not measured; set FLOWLOCK_BENCH_DAGSTER to a Python that has it")
        return
    command = [python, "-c", DAGSTER.format(size=SIZE)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    theirs, ours = float(done.stdout.split()[-1]), costs["chain, trace"] + costs["chain, sequential"]
    print(
        f"Dagster, chain in-process: {theirs:,.0f} µs a task; {theirs / ours:,.0f} times ours with its trace"
    )


def sleeping_map() -> None:
    """Print how a map of sleeping work on threads compares with a pool that does nothing else."""
    plan = trace(naps)

    def ideal() -> None:
        with ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(nap.func, range(SIZE)))

    seconds = side_by_side({"bare pool": ideal, "map on threads": lambda: threads(plan)}, repeat=3)
    floor = seconds["bare pool"]
    rows = [(name, value, value / floor, f"≤ {MAP_GOAL}") for name, value in seconds.items()]
    print_table((f"{SIZE:,} naps of 1 ms on {JOBS} threads", "seconds", "ratio", "goal"), rows)


def main() -> None:
    """Print both tables."""
    overhead()
    sleeping_map()


if __name__ == "__main__":
    main()
