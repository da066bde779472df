"""Calls with a time limit, for pools in this process: each is executed in another one, which can be ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flowlock_core.execute.call import Call, Outcome, run_call

if TYPE_CHECKING:
    from flowlock_core.execute.pools.processes import ProcessPool


class Limiter:
    """Executes calls: those without a limit here, the others in processes, one for each thread at most."""

    def __init__(self) -> None:
        self._idle: list[ProcessPool] = []
        self._pools: list[ProcessPool] = []

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["Limiter"]:
        """Make a limiter; at the end of the block its processes end."""
        limiter = cls()
        try:
            yield limiter
        finally:
            for pool in limiter._pools:
                pool.close()

    def run(self, call: Call) -> Outcome:
        """Execute a call."""
        if call.timeout is None:
            return run_call(call)
        pool = self._pool()
        outcome = pool.submit(call.position, call)
        if outcome is None:
            _, outcome = pool.take()
        # Not after an interrupt: the pool still has the call then.
        self._idle.append(pool)
        return outcome

    def _pool(self) -> "ProcessPool":
        from flowlock_core.execute.pools.processes import ProcessPool

        try:
            return self._idle.pop()
        except IndexError:
            pool = ProcessPool(jobs=1)
            self._pools.append(pool)
            return pool
