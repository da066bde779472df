"""What running a step costs beyond the task itself: a chain of 1,000 steps and a map over 1,000 elements."""

from statistics import median
from time import perf_counter
from typing import Any

from flowlock_core.execute import Options, Run, Steps, Workflow, trace
from flowlock_core.task import task

SIZE = 1000
ROUNDS = 7
GOAL = 100.0


@task
def increment(value: int, by: int = 1) -> int:
    """Add to a number."""
    return value + by


@task
def numbers(count: int) -> list[tuple[str, int]]:
    """Make keyed numbers."""
    return [(f"n{number}", number) for number in range(count)]


def chain(step: Steps) -> Any:
    """Run a step on the result of the one before, many times."""
    value = 0
    for number in range(SIZE):
        value = step(increment, f"s{number}").partial(value=value, by=1).call()
    return value


def mapped(step: Steps) -> Any:
    """Run one step over many elements."""
    pairs = step(numbers, "numbers").partial(count=SIZE).call()
    return step(increment, "incremented").partial(by=2).mapvalues(["value"], pairs)


def plain_calls() -> None:
    """Call the function itself as often, for comparison."""
    value = 0
    for _ in range(SIZE):
        value = increment.func(value, by=1)


def microseconds(workflow: Workflow) -> float:
    """Return the median time of a task, over some rounds."""
    Run.of(workflow, Options())
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        Run.of(workflow, Options())
        times.append(perf_counter() - start)
    return median(times) / SIZE * 1e6


def main() -> None:
    """Print the cost of a task in each shape of workflow."""
    start = perf_counter()
    plain_calls()
    rows = [("function call", (perf_counter() - start) / SIZE * 1e6)]
    rows += [("chain of 1,000 steps", microseconds(chain)), ("mapvalues over 1,000", microseconds(mapped))]
    start = perf_counter()
    trace(chain)
    rows.append(("trace of 1,000 steps", (perf_counter() - start) / SIZE * 1e6))
    print(f"{'execution':<24}{'µs a task':>12}{'goal':>8}")
    for name, cost in rows:
        print(f"{name:<24}{cost:>12.1f}{GOAL:>8.0f}")


if __name__ == "__main__":
    main()
