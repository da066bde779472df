"""Several calls at a time, each in another process: one that dies or is ended takes only its call with it.

(The executor of the standard library fails all its calls as soon as one of its processes dies.)
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from math import inf
from multiprocessing.connection import wait
from time import monotonic
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import Problem
from flowlock_core.execute.call import Call, Outcome
from flowlock_core.execute.context import Position, RunContext
from flowlock_core.execute.pools.messages import Packed, PassingError, packed
from flowlock_core.execute.pools.problems import NotPassed, name_of, unpackable
from flowlock_core.execute.pools.threads import processors
from flowlock_core.execute.pools.worker import Begun, CallMessage, RunMessage, TakenMessage
from flowlock_core.execute.pools.worker_process import WorkerEndedError, WorkerProcess

if TYPE_CHECKING:
    from flowlock_core.task import Task

# Seconds after which a waiting scheduler looks whether it was interrupted, and whether a process has ended
# whose connection another one keeps open.
_PULSE = 0.2
# Seconds that processes without a call have to end by themselves.
_GRACE = 1.0


class _Work:
    """A call that waits or runs, pickled."""

    def __init__(self, position: Position, call: Call, message: Packed) -> None:
        self.position, self.message = position, message
        self.of_run: RunContext = call.of_run
        self.name = name_of(call)
        self.timeout = call.timeout
        # When it has taken too long.
        self.deadline = inf


class _Slot:
    """A process of the pool, its call, and what it knows of the run."""

    def __init__(self, process: WorkerProcess) -> None:
        self.process = process
        self.work: _Work | None = None
        # Whether it has executed a call: what it needs is there.
        self.proven = False
        self._of_run: RunContext | None = None
        self._files = 0

    def execute(self, work: _Work) -> bool:
        """Send a call; return whether the process was there to receive it."""
        self.work = work
        of_run = work.of_run
        try:
            if of_run is not self._of_run:
                self._of_run, self._files = of_run, 0
                self.process.send(packed(RunMessage(of_run.results, of_run.base)))
            if len(of_run.taken) > self._files:
                # No file is taken out again, so that those behind the last one are new.
                files = tuple(islice(of_run.taken.items(), self._files, None))
                self._files += len(files)
                self.process.send(packed(TakenMessage(files)))
            self.process.send(work.message)
        except OSError:
            return False
        return True

    def begin(self) -> None:
        """Let the time of the call begin."""
        if self.work is not None and self.work.timeout is not None:
            self.work.deadline = monotonic() + self.work.timeout

    def finish(self) -> _Work:
        """Return the call, and be free for another."""
        work, self.work = self.work, None
        self.proven = True
        if work is None:
            raise RuntimeError("a process without a call has none to finish")
        return work


class ProcessPool:
    """A pool of processes that start when there is a call for them; tasks are imported in each of them."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        # One call waits for each process: it is sent as soon as the process has ended another.
        self.window = 2 * jobs
        self._workers: list[_Slot] = []
        self._waiting: deque[_Work] = deque()
        self._last_task: tuple[Task[..., Any] | None, bytes] = (None, b"")
        # Not forked: a copy of a process whose threads hold locks could wait forever.
        self._spawn = multiprocessing.get_context("spawn")

    @classmethod
    @contextmanager
    def of(cls, jobs: int | None) -> Iterator["ProcessPool"]:
        """Make a pool; at the end of the block its processes end, those that still have a call at once."""
        pool = cls(jobs or processors())
        try:
            yield pool
        finally:
            pool.close()

    def submit(self, position: Position, call: Call, /) -> Outcome | None:
        """Let a free process execute a call; a call whose values cannot be pickled has failed."""
        try:
            message = CallMessage(
                step=call.step,
                task=self._task(call),
                values=call.values,
                element=call.element,
                position=call.position,
                limited=call.timeout is not None,
                delay=call.delay,
            )
            work = _Work(position, call, packed(message))
        except PassingError as error:
            return name_of(call).not_passed(unpackable(call.values, error))
        self._waiting.append(work)
        self._send_waiting()
        return None

    def take(self) -> tuple[Position, Outcome]:
        """Wait for a call that has ended, also with its process; raise what stops a run."""
        while True:
            works = {worker.process.answers: worker for worker in self._workers if worker.work}
            ready = wait(list(works), timeout=self._patience())
            for answers, worker in works.items():
                if answers in ready:
                    outcome = self._outcome_of(worker, ended=False)
                elif not ready and not worker.process.is_alive():
                    outcome = self._outcome_of(worker, ended=True)
                else:
                    outcome = self._timed_out(worker)
                if outcome is not None:
                    self._send_waiting()
                    return outcome

    def withdraw(self, limit: Position, /) -> int:
        """Forget the calls at and behind a position that no process has begun; return how many."""
        kept = [work for work in self._waiting if work.position < limit]
        withdrawn = len(self._waiting) - len(kept)
        self._waiting = deque(kept)
        return withdrawn

    def _task(self, call: Call) -> bytes:
        """Return the pickled task of a call; most calls are elements of the same step."""
        task = call.task
        if task is not self._last_task[0]:
            self._last_task = (task, packed(task).data)
        return self._last_task[1]

    def _send_waiting(self) -> None:
        while self._waiting and (worker := self._free_worker()) is not None:
            work = self._waiting.popleft()
            if not worker.execute(work) and worker.proven:
                # It has died without a call, so that none has failed with it.
                self._workers.remove(worker)
                worker.process.kill()
                worker.process.end(_GRACE)
                self._waiting.appendleft(work)

    def _free_worker(self) -> _Slot | None:
        for worker in self._workers:
            if worker.work is None:
                return worker
        if len(self._workers) >= self._jobs:
            return None
        worker = _Slot(WorkerProcess(self._spawn))
        self._workers.append(worker)
        return worker

    def _patience(self) -> float:
        """Return how many seconds to wait at most for a call to end."""
        deadlines = [worker.work.deadline for worker in self._workers if worker.work]
        return max(0.0, min([_PULSE, min(deadlines, default=inf) - monotonic()]))

    def _timed_out(self, worker: _Slot) -> tuple[Position, Outcome] | None:
        """End a process whose call has taken too long, and return the outcome; None if it has time left."""
        if worker.work is None or monotonic() < worker.work.deadline:
            return None
        work = worker.finish()
        self._workers.remove(worker)
        worker.process.kill()
        worker.process.end(_GRACE)
        return work.position, work.name.failed(_timeout_problem(work))

    def _outcome_of(self, worker: _Slot, *, ended: bool) -> tuple[Position, Outcome] | None:
        """Return the outcome of a call that has ended with or without an answer; None if it only begins."""
        try:
            answer = worker.process.receive(ended=ended)
        except WorkerEndedError as error:
            self._workers.remove(worker)
            work = worker.finish()
            return work.position, work.name.failed(_ended_problem(work, error.exit_code))
        if isinstance(answer, Begun):
            worker.begin()
            return None
        work = worker.finish()
        if isinstance(answer, NotPassed):
            answer = work.name.not_passed(answer)
        if isinstance(answer, BaseException):
            raise answer
        return work.position, answer

    def close(self) -> None:
        """End the processes, and wait until they have."""
        workers, self._workers = self._workers, []
        self._waiting.clear()
        for worker in workers:
            if worker.work is not None:
                worker.process.kill()
            else:
                worker.process.close()
        until = monotonic() + _GRACE
        for worker in workers:
            worker.process.end(max(0.0, until - monotonic()))


def _timeout_problem(work: _Work) -> Problem:
    return Problem(
        code="FL758",
        message=f"the task {work.name.task} took longer than its timeout of {work.timeout:g} s, "
        "and was ended",
        step=work.name.label,
        hint="increase the `timeout` of the step in the spec, or give the task less to do",
    )


def _ended_problem(work: _Work, exit_code: int | None) -> Problem:
    how, hint = _ending_in_words(exit_code)
    return Problem(
        code="FL756",
        message=f"the process in which the task {work.name.task} ran {how}",
        step=work.name.label,
        hint=hint,
    )


def _ending_in_words(exit_code: int | None) -> tuple[str, str]:
    if exit_code is None:
        return "closed its connection", "a task must not close files that it has not opened"
    if exit_code >= 0:
        return f"ended with exit code {exit_code}", "a task must not end its process; raise an error instead"
    name = _signal_name(-exit_code)
    if -exit_code == getattr(signal, "SIGKILL", None):
        hint = "probably the memory was full: run fewer calls at the same time, with a smaller --jobs"
    else:
        hint = "a library that the task calls may be faulty; run the task alone under a debugger"
    return f"was ended by the signal {name}", hint


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
