"""Dask as a run uses it: its own cluster, or one at an address; only this module imports `distributed`."""

import asyncio
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import WorkflowError
from flowlock_core.execute.lifeline import end_with

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

# Seconds to connect to a scheduler, until it has a worker, and for an answer of all workers.
_CONNECTING = 5.0
_FIRST_WORKER = 10.0
_ANSWERING = 60.0
# Seconds that a cluster of the run's own has to end.
_ENDING = 2.0
# A worker that dies takes its call with it: whether the call runs again is for the step's policy to say. A
# worker may start processes, which end calls that take too long. Calls run where they are sent.
_SETTINGS: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": False,
    # A call that holds the interpreter's lock for long keeps its worker from giving signs of life.
    "distributed.scheduler.worker-ttl": None,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.daemon": False,
}
# What the keys of our calls begin with.
KEY_PREFIX = "flowlock-"
# The results of an earlier run that this one reuses may be large.
_CLIENT_SETTINGS = {"distributed.admin.large-graph-warning-threshold": "1TB"}


def _ends_with_run(path: str) -> Any:
    """Return a plugin: the kernel ends a worker, and what its tasks have started, together with the run."""
    from distributed import WorkerPlugin

    # Where Dask is not installed, this module can be imported all the same.
    class EndsWithRun(WorkerPlugin):  # type: ignore[misc] # distributed has no types here
        name = "flowlock-ends-with-run"

        def setup(self, worker: Any) -> None:
            del worker
            lifeline = socket.socket(socket.AF_UNIX)
            lifeline.connect(path)
            # Ctrl-C in a terminal is sent to the processes of its group: the run ends its workers itself.
            os.setpgid(0, 0)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            end_with(lifeline.detach(), group=True)

    return EndsWithRun()


class DaskCluster:
    """A cluster that a run executes its calls on."""

    def __init__(self, client: "Client", *, own: "LocalCluster | None" = None) -> None:
        self._client, self._own = client, own

    @property
    def is_own(self) -> bool:
        """Whether the run has started it."""
        return self._own is not None

    def workers(self) -> dict[str, int]:
        """Return the addresses of the workers, and how many calls each can execute at the same time."""
        workers = self._client.scheduler_info()["workers"]
        return {address: worker["nthreads"] for address, worker in workers.items()}

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> Mapping[str, Any]:
        """Return what a function gives on each worker; the exception where it, or its import, fails."""
        answers: Mapping[str, Any] = self._client.run(function, *arguments, on_error="return")
        return answers

    def on_scheduler(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function gives in the process of the scheduler."""
        return self._client.run_on_scheduler(function, *arguments)

    def submit(
        self, function: Callable[..., Any], *arguments: Any, key: str, worker: str | None = None
    ) -> "Future":
        """Let a worker execute a function, or another if it has gone; futures stand for their values."""
        places: dict[str, Any] = {}
        if worker is not None:
            places = {"workers": [worker], "allow_other_workers": True}
        return self._client.submit(function, *arguments, key=key, pure=False, **places)

    def fetch(self, futures: "Sequence[Future]") -> list[Any]:
        """Return the values of some futures."""
        values: list[Any] = self._client.gather(list(futures))
        return values

    def replace(self, missing: int) -> None:
        """Start workers in place of those that have not come back; only a cluster of the run's own can.

        Dask itself starts a worker again, but not one that dies while it is being started.
        """
        if self._own is not None:
            self._own.scale(len(self._own.worker_spec) + missing)

    def move(self) -> None:
        """Let any worker execute what can only wait, because all workers had gone when it was to begin."""
        with suppress(OSError):
            self._client.run_on_scheduler(_move_waiting)

    def cancel(self, futures: "Sequence[Future]") -> None:
        """Forget what has not begun; what runs cannot be stopped."""
        with suppress(OSError, asyncio.TimeoutError):
            self._client.cancel(list(futures), force=True)


def _move_waiting(dask_scheduler: Any) -> None:
    """Schedule our calls for which the scheduler waits, though they may run anywhere, for a worker of old."""
    waiting = [
        state
        for state in dask_scheduler.unrunnable
        if str(state.key).startswith(KEY_PREFIX) and state.loose_restrictions
    ]
    for state in waiting:
        state.worker_restrictions = set()
    keys = {state.key: "processing" for state in waiting}
    dask_scheduler.transitions(keys, stimulus_id="flowlock-move")


class NoAnswerError(Exception):
    """A call has no answer: `error` is what its worker raised, or what happened on the way."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def answer_in(future: "Future") -> Any:
    """Return the value of a future that has ended; a NoAnswerError if it has none."""
    try:
        return future.result()
    except Exception as error:
        raise NoAnswerError(error) from error


def worker_that_died(error: BaseException) -> str | None:
    """Return the address of the worker that died, if this is what an error says."""
    from distributed import KilledWorker

    return str(error.last_worker.address) if isinstance(error, KilledWorker) else None


def is_lost(error: BaseException) -> bool:
    """Return whether an error says that the scheduler, and what it knew, is no longer there."""
    return isinstance(error, CancelledError | OSError)


@contextmanager
def dask_cluster(address: str | None, jobs: int) -> Iterator[DaskCluster]:
    """Yield the cluster at an address, or else one of this process with a worker for each job."""
    import dask

    # Its import sets what the settings are added to.
    import_module("distributed")
    # What happens to workers is said of the calls; late messages come when the cluster is closed.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    if address is not None:
        with dask.config.set(_CLIENT_SETTINGS), _connected(address) as client:
            yield DaskCluster(client)
        return
    with dask.config.set(_SETTINGS | _CLIENT_SETTINGS), _own_cluster(jobs) as (client, own):
        yield DaskCluster(client, own=own)


@contextmanager
def _connected(address: str) -> "Iterator[Client]":
    from distributed import Client

    try:
        # A client itself would wait for ever for a server that accepts connections and does not answer.
        asyncio.run(asyncio.wait_for(_require_scheduler(address), _CONNECTING))
        client = Client(address, timeout=_CONNECTING, set_as_default=False)
    except (TimeoutError, OSError, ValueError, RuntimeError) as error:
        raise _unreachable(address, error) from error
    try:
        client.wait_for_workers(1, timeout=_FIRST_WORKER)
    except TimeoutError as error:
        client.close(timeout=_ENDING)
        raise WorkflowError(
            f"the Dask scheduler at {address} has no workers",
            code="FL763",
            hint=f"start one in the environment of the workflow: dask worker {address}",
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=_ENDING)


async def _require_scheduler(address: str) -> None:
    from distributed import Security, rpc

    arguments = Security().get_connection_args("client")
    async with rpc(address, timeout=_CONNECTING, connection_args=arguments) as server:
        identity = await server.identity()
    if identity["type"] != "Scheduler":
        raise ValueError(f"what answers there is a {identity['type']}")


def _unreachable(address: str, error: BaseException) -> WorkflowError:
    """Return the error of a scheduler that does not answer."""
    reason = str(error) or f"no answer within {_CONNECTING:g} s"
    return WorkflowError(
        f"the Dask scheduler at {address} cannot be reached: {reason}",
        code="FL763",
        hint="check the address, which `dask scheduler` prints when it starts, and that it still runs",
    )


@contextmanager
def _own_cluster(jobs: int) -> "Iterator[tuple[Client, LocalCluster]]":
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="flowlock-dask-"))
        cluster = LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            processes=True,
            # Without a page. Its port is opened all the same, and unless told otherwise for other machines.
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            # The workers of other executors have no limit either.
            memory_limit=0,
            silence_logs=logging.CRITICAL,
            # Everybody who can connect to a scheduler can run code: it is protected where this library is.
            security=find_spec("cryptography") is not None or None,
            local_directory=folder,
        )
        stack.callback(_close, cluster)
        client = Client(cluster, set_as_default=False)
        stack.callback(client.close, timeout=_ENDING)
        stack.enter_context(_lifeline(client, Path(folder) / "lifeline"))
        stack.callback(_without_restarts, cluster)
        yield client, cluster


def _close(cluster: "LocalCluster") -> None:
    # A worker that is being started takes longer, and ends then: its parent has gone.
    with suppress(TimeoutError):
        cluster.close(timeout=_ENDING)


def _without_restarts(cluster: "LocalCluster") -> None:
    """Let the cluster replace no worker that ends from now on."""
    for nanny in cluster.workers.values():
        nanny.close_gracefully()


@contextmanager
def _lifeline(client: "Client", path: Path) -> Iterator[None]:
    """Let all workers end as soon as the block, or this process, has ended."""
    if not hasattr(socket, "AF_UNIX"):
        yield
        return
    # Not a named pipe: where one worker closes it, some kernels signal the others.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        # Nobody accepts a connection: it is there until the listener is closed.
        listener.listen(socket.SOMAXCONN)
        client.register_plugin(_ends_with_run(str(path)))
        yield
