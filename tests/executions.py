"""What the tests of execution share: the executors, and a task whose result is told at once."""

from flowlock_core.execute import Executor
from flowlock_core.task import task

EVERY = list(Executor)
# Those that schedule a traced plan.
PLANNED = [Executor.SEQUENTIAL, Executor.THREADS]


@task
def add(value: int, by: int = 1) -> int:
    """Add."""
    return value + by
