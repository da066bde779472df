"""Several calls at a time, each in a thread of this process."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias

from flowlock_core.execute.call import Call, Outcome, run_call
from flowlock_core.execute.context import Position

# Calls that wait for a thread, for each: so that none stands still while the scheduler prepares the next.
_WAITING = 4
# Seconds after which a waiting scheduler looks whether it was interrupted.
_PULSE = 0.2
_Work: TypeAlias = tuple[Position, Call]


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ThreadPool:
    """A pool of threads that end with the process: a call that runs cannot be stopped, so none is waited for.

    (The pool of the standard library joins its threads at exit: an interrupted run would end with its calls.)
    """

    def __init__(self, jobs: int, execute: Callable[[Call], Outcome] = run_call) -> None:
        self._jobs, self._execute = jobs, execute
        self.window = jobs * (1 + _WAITING)
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._ended: SimpleQueue[tuple[Position, Outcome | BaseException]] = SimpleQueue()

    @classmethod
    @contextmanager
    def of(cls, jobs: int | None, execute: Callable[[Call], Outcome] = run_call) -> Iterator["ThreadPool"]:
        """Start the threads; they end when their calls have, and the block does not wait for that."""
        pool = cls(jobs or processors(), execute)
        for number in range(pool._jobs):
            Thread(target=pool._serve, name=f"flowlock-{number + 1}", daemon=True).start()
        try:
            yield pool
        finally:
            pool.withdraw((0, 0))
            for _ in range(pool._jobs):
                pool._work.put(None)

    def submit(self, position: Position, call: Call, /) -> Outcome | None:
        """Let the next free thread execute a call."""
        self._work.put((position, call))
        return None

    def take(self) -> tuple[Position, Outcome]:
        """Wait for a call that has ended; raise what stops a run, as an interrupt does."""
        while True:
            # A signal that comes right before a wait does not end it, and is only seen after it.
            with suppress(Empty):
                position, outcome = self._ended.get(timeout=_PULSE)
                break
        if isinstance(outcome, BaseException):
            raise outcome
        return position, outcome

    def withdraw(self, limit: Position, /) -> int:
        """Forget the calls at and behind a position that no thread has begun; return how many."""
        kept: list[_Work] = []
        withdrawn = 0
        while True:
            try:
                work = self._work.get_nowait()
            except Empty:
                break
            if work is not None and work[0] < limit:
                kept.append(work)
            elif work is not None:
                withdrawn += 1
        for work in kept:
            self._work.put(work)
        return withdrawn

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            position, call = work
            try:
                outcome: Outcome | BaseException = self._execute(call)
            except BaseException as error:  # noqa: BLE001 - raised again in the thread of the scheduler
                outcome = error
            # Neither may hold on to the values of a call that has ended.
            del work, call
            self._ended.put((position, outcome))
            del outcome
