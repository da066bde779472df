"""What the tests of execution share: the executors, and a task whose result is told at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowlock_core.execute import Executor
from flowlock_core.execute.context import RUNNING, RunContext
from flowlock_core.task import task

# Tasks that are defined in a test cannot be imported by another process.
EVERY = [executor for executor in Executor if executor not in (Executor.PROCESSES, Executor.DASK)]
# Those that schedule a traced plan.
PLANNED = [Executor.SEQUENTIAL, Executor.THREADS]


@task
def add(value: int, by: int = 1) -> int:
    """Add."""
    return value + by


@contextmanager
def running_into(results: Path) -> Iterator[None]:
    """Let tasks that are called directly write into a folder, as a run does."""
    token = RUNNING.set((RunContext(results=results), "", (0, 0), {}))
    try:
        yield
    finally:
        RUNNING.reset(token)


def is_running(pid: int | str) -> bool:
    """Return whether a process runs; one that only waits to be noticed has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
