"""The workflow that `bench.dagster_steps` measures."""

from typing import Any

from flowlock_core.execute import Steps
from flowlock_core.task import task

STEPS = 100


@task
def start() -> int:
    """Give the first number."""
    return 0


@task
def increment(value: int) -> int:
    """Add one."""
    return value + 1


def chain(step: Steps) -> Any:
    """Take steps that need each other, one after the other."""
    return _chain(step, STEPS)


def usual(step: Steps) -> Any:
    """Take as many steps as the example carbon has."""
    return _chain(step, 24)


def _chain(step: Steps, steps: int) -> Any:
    value = step(start, "start").call()
    for number in range(1, steps):
        value = step(increment, f"step_{number}").partial(value=value).call()
    return value
