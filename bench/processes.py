"""What running a step in another process costs, beside two bare processes, and what two processes gain.

A trivial task costs its way to the process and back; a task that computes runs as fast as the machine allows.
"""

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from multiprocessing.connection import Connection, wait
from typing import Any

from bench._measure import print_table, side_by_side
from bench.execution import JOBS, SHAPES, SIZE, numbers, sequential
from flowlock_core.execute import Executor, Options, Plan, RunLog, Steps, run_plan, trace
from flowlock_core.execute.pools.processes import ProcessPool
from flowlock_core.task import task

ROUNDS = 7
# µs a task on processes, by shape.
GOALS = {"chain": 300, "wide": 200, "map": 200}
ITEMS = 200
ITEM_SECONDS = 0.01
COMPUTE_GOAL = 2.0
_MODULES = "bench.execution, flowlock_core.execute.pools.worker"


@task
def compute(value: int, rounds: int) -> int:
    """Compute in pure Python, with the interpreter's lock."""
    return sum(number * number for number in range(rounds)) + value


def computed(step: Steps) -> Any:
    """Compute many items."""
    values = step(numbers, "numbers").partial(count=ITEMS).call()
    return step(compute, "computed").partial(rounds=rounds_of_item()).map("value", values)


def rounds_of_item() -> int:
    """Return how many rounds take as long as an item should, on this machine at this moment."""
    rounds = 10_000
    seconds = side_by_side({"item": partial(compute.func, 1, rounds)}, repeat=9)["item"]
    return int(rounds * ITEM_SECONDS / seconds)


def echo(connection: Connection) -> None:
    """Send back what arrives: the least that another process can do."""
    try:
        while True:
            connection.send(connection.recv())
    except EOFError:
        return


def compute_share(connection: Connection) -> None:
    """Compute as many items as asked, without any other message."""
    try:
        while True:
            items, rounds = connection.recv()
            connection.send([compute.func(value, rounds) for value in range(items)])
    except EOFError:
        return


@contextmanager
def bare_processes(target: Callable[[Connection], None]) -> Iterator[list[Connection]]:
    """Start processes with a pipe each."""
    spawn = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for _ in range(JOBS):
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=target, args=(theirs,))
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    yield pipes
    for pipe in pipes:
        pipe.close()
    for process in processes:
        process.join()


def bare_chain(pipes: list[Connection]) -> None:
    """Send a number there and back, one after the other."""
    for _ in range(SIZE):
        pipes[0].send(1)
        pipes[0].recv()


def bare_wide(pipes: list[Connection]) -> None:
    """Send numbers there and back, to all processes at a time."""
    left = SIZE
    for pipe in pipes:
        pipe.send(1)
        left -= 1
    received = 0
    while received < SIZE:
        ready = wait(pipes)
        for pipe in [pipe for pipe in pipes if pipe in ready]:
            pipe.recv()
            received += 1
            if left:
                pipe.send(1)
                left -= 1


def run_on(pool: ProcessPool, plan: Plan) -> None:
    """Run a plan on a pool that is there already."""
    run_plan(plan, Options(), pool, RunLog())


def overhead() -> None:
    """Print the cost of a trivial task on a warm pool."""
    with ProcessPool.of(JOBS) as pool, bare_processes(echo) as pipes:
        candidates: dict[str, Callable[[], object]] = {
            "bare pipe, chain": partial(bare_chain, pipes),
            "bare pipes, wide": partial(bare_wide, pipes),
        }
        candidates |= {name: partial(run_on, pool, trace(shape)) for name, shape in SHAPES.items()}
        for warm in candidates.values():
            warm()
        seconds = side_by_side(candidates, repeat=ROUNDS)
    costs = {name: cost / SIZE * 1e6 for name, cost in seconds.items()}
    rows = []
    for name, cost in costs.items():
        floor = costs["bare pipe, chain" if "chain" in name else "bare pipes, wide"]
        rows.append((name, cost, cost / floor, f"≤ {GOALS[name]} µs" if name in GOALS else ""))
    print_table((f"{SIZE:,} trivial tasks, {JOBS} processes", "µs a task", "ratio", "goal"), rows)


def computing() -> None:
    """Print how items that compute on two processes compare with two processes that do nothing else."""
    plan = trace(computed)
    rounds = plan.step("computed").arguments["rounds"]

    def ideal(pipes: list[Connection]) -> None:
        for pipe in pipes:
            pipe.send((ITEMS // JOBS, rounds))
        for pipe in pipes:
            pipe.recv()

    with ProcessPool.of(JOBS) as pool, bare_processes(compute_share) as pipes:
        run_on(pool, plan)
        candidates: dict[str, Callable[[], object]] = {
            "two bare processes": partial(ideal, pipes),
            "map": partial(run_on, pool, plan),
        }
        seconds = side_by_side(candidates, repeat=3)
    floor = seconds["two bare processes"]
    rows = [(name, value, value / floor, f"≤ {COMPUTE_GOAL}") for name, value in seconds.items()]
    print_table((f"{ITEMS} items of 10 ms in Python", "seconds", "ratio", "goal"), rows)


def starting() -> None:
    """Print what a pool costs a run: one that is there already, and one that starts beside the imports."""
    plan = trace(SHAPES["map"])

    def cold() -> None:
        with ProcessPool.of(JOBS) as pool:
            run_on(pool, plan)

    def importing() -> None:
        command = [sys.executable, "-c", f"import {_MODULES}"]
        # Each process imports for itself, at the same time.
        for process in [subprocess.Popen(command) for _ in range(JOBS)]:
            process.wait()

    with ProcessPool.of(JOBS) as pool:
        run_on(pool, plan)
        candidates: dict[str, Callable[[], object]] = {
            f"{JOBS} Pythons that import the tasks": importing,
            "run on a warm pool": partial(run_on, pool, plan),
            "run on a cold pool": cold,
        }
        seconds = side_by_side(candidates, repeat=5)
    print_table(("start", "seconds"), list(seconds.items()))


def on_dask() -> None:
    """Print the cost of a trivial task on workers of Dask, beside a sequential run."""
    if find_spec("distributed") is None:
        print("Dask: not measured; the package distributed is not in this environment")
        return
    from flowlock_core.cluster.dask_pool import dask_pool

    plan = trace(SHAPES["map"])
    with dask_pool(plan, None, JOBS, ()) as pool:
        candidates: dict[str, Callable[[], object]] = {
            "map, sequential": partial(sequential, plan),
            "map, dask": lambda: run_plan(plan, Options(executor=Executor.DASK), pool, RunLog()),
        }
        seconds = side_by_side(candidates, repeat=2)
    rows = [(name, value / SIZE * 1e6) for name, value in seconds.items()]
    print_table((f"{SIZE:,} trivial tasks, {JOBS} workers of Dask", "µs a task"), rows)


def main() -> None:
    """Print the tables."""
    started = time.perf_counter()
    overhead()
    computing()
    starting()
    on_dask()
    print(f"measured in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
