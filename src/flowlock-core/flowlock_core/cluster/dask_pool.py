"""Several calls at a time, each on a worker of a Dask cluster, where the results stay."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, NamedTuple
from uuid import uuid4

from flowlock_core.cluster import worker
from flowlock_core.cluster.checks import other_code, require_able_workers
from flowlock_core.cluster.dask_cluster import (
    KEY_PREFIX,
    DaskCluster,
    NoAnswerError,
    answer_in,
    dask_cluster,
    is_lost,
    worker_that_died,
)
from flowlock_core.cluster.environment import code_digest, modules_of
from flowlock_core.cluster.worker import CallRequest, Input
from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.execute.call import Call, Deferred, Outcome
from flowlock_core.execute.context import Position
from flowlock_core.execute.held import HeldValue, replaced_in
from flowlock_core.execute.plan import PLAIN, Plan
from flowlock_core.execute.pools.messages import PassingError, pickled
from flowlock_core.execute.pools.problems import NotPassed, name_of, unpackable
from flowlock_core.execute.pools.threads import processors

# What is done twice gives other results, or has other effects: its result is not left on a worker, which
# Dask would compute again if the worker died.
_ONCE = frozenset(("output", "random"))
# Seconds after which a waiting scheduler looks whether it was interrupted, and which workers there are.
_PULSE = 0.2
_LOOKING = 2.0
# Seconds that a worker has to come back after its death.
_COMING_BACK = 6.0
# Seconds after which a run without workers ends.
_PATIENCE = 30.0


class _HeldKey(NamedTuple):
    """Where a value is: the future that stands for it, and the worker that was to give it."""

    future: Any
    worker: str


class _CallToSend(NamedTuple):
    """A call that waits or runs."""

    position: Position
    call: Call
    request: bytes
    inputs: tuple[_HeldKey, ...]
    whole: bool


class _Running(NamedTuple):
    """A call that a worker has been sent: its answer is awaited, and `held` is what it will have given."""

    work: _CallToSend
    worker: str
    answer: Any
    held: Any


class DaskPool:
    """A pool of the workers of a cluster; each executes as many calls at the same time as it has threads."""

    def __init__(self, cluster: DaskCluster, modules: tuple[str, ...], jobs: int | None) -> None:
        self._cluster, self._modules, self._jobs = cluster, modules, jobs
        self._code = code_digest(modules)
        self._workers = cluster.workers()
        self._looked = self._seen = self._complete = monotonic()
        self._moving, self._all = False, len(self._workers)
        # As many calls wait as there are workers to run them.
        self.window = 2 * max(1, self._places())
        self._waiting: deque[_CallToSend] = deque()
        self._running: dict[Position, _Running] = {}
        self._ended: SimpleQueue[tuple[Position, Any]] = SimpleQueue()
        # Objects among the arguments of a step are sent once, not for each of its elements.
        self._sent: tuple[str, dict[int, tuple[Any, _HeldKey]]] = ("", {})

    def submit(self, position: Position, call: Call, /) -> Outcome | None:
        """Let a free worker execute a call; a call whose values cannot be pickled has failed."""
        deferred = call.deferred
        if deferred is None:
            # It was prepared here, with all its values.
            raise RuntimeError(f"the call {call.label} is not deferred")
        try:
            self._waiting.append(self._work(position, call, deferred))
        except PassingError as error:
            # What workers hold has been passed already.
            values = replaced_in({**deferred.arguments, **deferred.own}, HeldValue, lambda _: None)
            return name_of(call).not_passed(unpackable(values, error))
        self._send_waiting()
        return None

    def take(self) -> tuple[Position, Outcome]:
        """Wait for a call that has ended, also with its worker; raise what stops a run."""
        while True:
            try:
                position, answer = self._ended.get(timeout=_PULSE)
            except Empty:
                self._look()
                continue
            running = self._running.get(position)
            if running is None or running.answer is not answer:
                continue
            del self._running[position]
            outcome = self._outcome_of(running)
            self._send_waiting()
            return position, outcome

    def withdraw(self, limit: Position, /) -> int:
        """Forget the calls at and behind a position that no worker has begun; return how many."""
        kept = [work for work in self._waiting if work.position < limit]
        withdrawn = len(self._waiting) - len(kept)
        self._waiting = deque(kept)
        return withdrawn

    def fetch(self, values: Sequence[HeldValue], /) -> list[Any]:
        """Return values that workers hold."""
        by_key = {id(value.key.future): value.key.future for value in values}
        fetched = dict(zip(by_key, self._cluster.fetch(list(by_key.values())), strict=True))
        results = []
        for value in values:
            result = fetched[id(value.key.future)].value
            for index in value.path:
                result = result[index]
            results.append(result)
        return results

    def stop(self) -> None:
        """Forget all calls."""
        running, self._running = self._running, {}
        self._waiting.clear()
        self._cluster.cancel([run.answer for run in running.values()])

    def _work(self, position: Position, call: Call, deferred: Deferred) -> _CallToSend:
        inputs: list[_HeldKey] = []

        def reference(value: HeldValue) -> Input:
            inputs.append(value.key)
            return Input(len(inputs) - 1, value.path)

        def sent(value: Any) -> Any:
            if type(value) in PLAIN or isinstance(value, Input):
                return value
            key = self._sent_once(call.step, value)
            if key is None:
                return value
            inputs.append(key)
            return Input(len(inputs) - 1)

        values = replaced_in((deferred.arguments, deferred.own), HeldValue, reference)
        arguments, own = _with_objects(values, sent)
        whole = not _ONCE.isdisjoint(call.task.tags)
        request = CallRequest(
            call._replace(deferred=None),
            deferred._replace(arguments=arguments, own=own),
            self._modules,
            self._code,
            whole,
        )
        return _CallToSend(position, call._replace(deferred=None), pickled(request), tuple(inputs), whole)

    def _sent_once(self, step: str, value: Any) -> _HeldKey | None:
        """Give a large object to the workers, once for all elements of a step; None for a small one."""
        if self._sent[0] != step:
            self._sent = (step, {})
        known = self._sent[1].get(id(value))
        if known is not None:
            return known[1]
        data = pickled(value)
        if len(data) <= worker.SMALL:
            return None
        # Not as data of a worker, which would be lost with it.
        future = self._cluster.submit(worker.received, data, key=f"{KEY_PREFIX}argument-{uuid4().hex}")
        key = _HeldKey(future, "")
        self._sent[1][id(value)] = (value, key)
        return key

    def _places(self) -> int:
        places = sum(self._workers.values())
        return places if self._jobs is None else min(places, self._jobs)

    def _send_waiting(self) -> None:
        while self._waiting and len(self._running) < self._places():
            address = self._free_worker(self._waiting[0])
            if address is None:
                return
            self._send(self._waiting.popleft(), address)

    def _free_worker(self, work: _CallToSend) -> str | None:
        """Return a worker with a free thread; rather one that holds what the call needs."""
        busy = Counter(running.worker for running in self._running.values())
        free = [address for address, threads in self._workers.items() if busy[address] < threads]
        if not free:
            return None
        held = Counter(key.worker for key in work.inputs)
        return max(free, key=lambda address: (held[address], -busy[address]))

    def _send(self, work: _CallToSend, address: str) -> None:
        name = f"{KEY_PREFIX}{work.call.step}-{uuid4().hex}"
        futures = [key.future for key in work.inputs]
        if work.whole:
            held = None
            answer = self._cluster.submit(
                worker.execute_whole, work.request, futures, key=name, worker=address
            )
        else:
            held = self._cluster.submit(worker.execute, work.request, futures, key=name, worker=address)
            answer = self._cluster.submit(worker.answer_of, held, key=f"{name}-answer", worker=address)
        self._running[work.position] = _Running(work, address, answer, held)
        position = work.position
        answer.add_done_callback(lambda future: self._ended.put((position, future)))

    def _outcome_of(self, running: _Running) -> Outcome:
        call = running.work.call
        try:
            answer = answer_in(running.answer)
        except NoAnswerError as without:
            return self._failed(call, without.error)
        if answer.stopped is not None:
            raise answer.stopped
        if answer.other is not None:
            raise other_code(running.worker, answer.other)
        outcome: Outcome = answer.outcome
        if answer.description is None:
            return outcome
        key = _HeldKey(running.held, running.worker)
        return outcome._replace(value=HeldValue(holder=self, key=key, description=answer.description))

    def _failed(self, call: Call, error: Exception) -> Outcome:
        died = worker_that_died(error)
        if died is not None:
            self._look(now=True)
            return name_of(call).failed(_died_problem(call, died))
        if is_lost(error):
            raise WorkflowError(
                f"the connection to the Dask scheduler was lost: {error}",
                code="FL763",
                hint="the results of the finished steps are cached: run the same command with --resume",
            ) from error
        reason = str(error) if isinstance(error, PassingError) else f"{type(error).__name__}: {error}"
        return name_of(call).not_passed(NotPassed(value="a value", reason=reason))

    def _look(self, *, now: bool = False) -> None:
        """Learn which workers there are; a WorkflowError if there are none for a while."""
        if not now and monotonic() < self._looked + _LOOKING:
            return
        self._looked = monotonic()
        before, self._workers = self._workers, self._cluster.workers()
        if before.keys() - self._workers.keys() or self._moving:
            # Until what waits for the workers that have gone is moved to those that have come.
            self._moving = not self._workers
            self._cluster.move()
        self._replace_missing()
        if self._workers:
            self._seen = monotonic()
        if monotonic() > self._seen + _PATIENCE:
            raise WorkflowError(
                f"the Dask cluster has had no worker for {_PATIENCE:g} s",
                code="FL763",
                hint="start workers in the environment of the workflow, and repeat the command with --resume",
            )
        self._send_waiting()

    def _replace_missing(self) -> None:
        """Let the run's own cluster start the workers that have not come back for a while."""
        missing = self._all - len(self._workers)
        if missing <= 0:
            self._complete = monotonic()
        elif self._cluster.is_own and monotonic() > self._complete + _COMING_BACK:
            self._complete = monotonic()
            self._cluster.replace(missing)


@contextmanager
def dask_pool(
    plan: Plan, address: str | None, jobs: int | None, folders: Sequence[Path]
) -> Iterator[DaskPool]:
    """Make a pool of a cluster whose workers have the code of a plan and see some folders."""
    modules = modules_of(plan)
    limited = any(step.policy.timeout is not None for step in plan.steps)
    with dask_cluster(address, jobs or processors()) as cluster:
        require_able_workers(cluster, modules, () if cluster.is_own else folders, limited=limited)
        pool = DaskPool(cluster, modules, jobs)
        try:
            yield pool
        finally:
            pool.stop()
            if limited and not cluster.is_own:
                cluster.everywhere(worker.close_limiter)


def _with_objects(value: Any, replaced: Callable[[Any], Any]) -> Any:
    """Return a value in which something else stands for what is neither a list, a tuple nor a mapping."""
    if type(value) is list:
        return [_with_objects(item, replaced) for item in value]
    if type(value) is tuple:
        return tuple([_with_objects(item, replaced) for item in value])
    if isinstance(value, Mapping):
        return {key: _with_objects(item, replaced) for key, item in value.items()}
    return replaced(value)


def _died_problem(call: Call, address: str) -> Problem:
    return Problem(
        code="FL756",
        message=f"the worker {address} on which the task {call.task.name} ran has ended",
        step=call.label,
        hint="probably the memory was full: run fewer calls at the same time, with a smaller --jobs; or a "
        "library that the task calls crashed; the log of the worker may tell",
    )
