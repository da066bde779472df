"""`python -m flowlock_serve.runs.launcher FD FD WORKFLOW`: it has imported the workflow, and forks runs.

The first file descriptor is a pipe that ends it with its service, the second a socket for orders and reports,
a line of JSON each. With each order comes a pipe that ends the run with its service. It has no threads, so
that forking is safe.
"""

import json
import os
import signal
import socket
import sys
import traceback
from collections import deque
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from select import select
from typing import Any

from flowlock_core.command.bundle import Bundle
from flowlock_core.execute import trace
from flowlock_core.execute.lifeline import end_with
from flowlock_serve.runs.run_process import ProcessOrder, execute

# What `run` imports when it needs it.
_MODULES = (
    "flowlock_core.command.output",
    "flowlock_core.command.recorded_run",
    "flowlock_core.command.reuse",
    "flowlock_core.connections.s3",
    "flowlock_core.documents.yaml_text",
    "flowlock_core.page",
    "flowlock_core.parameters.settings",
    "flowlock_core.store.cached_calls",
    "flowlock_core.tables.files",
)
_LARGEST_MESSAGE = 1 << 16
_MOST_PIPES = 16
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(argv: list[str]) -> int:
    """Serve orders until the socket is closed."""
    lifeline, orders, workflow = argv
    end_with(int(lifeline), group=False)
    connection = socket.socket(fileno=int(orders))
    _preload(workflow)
    Launcher(connection).serve()
    return 0


def _preload(workflow: str) -> None:
    """Import what runs import; a run fails by itself where that fails."""
    with suppress(Exception):
        trace(Bundle.named(workflow).load())
        for module in _MODULES:
            import_module(module)
        if find_spec("pandas") is not None:
            import_module("pandas")


class Launcher:
    """Forks a process for each order, and reports when it has started and ended."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._runs: dict[int, str] = {}
        self._pipes: deque[int] = deque()
        self._text = b""
        self._woken, wake = os.pipe()
        for end in (self._woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def serve(self) -> None:
        """Serve until the socket is closed."""
        while True:
            orders = self._connection.fileno()
            readable, _, _ = select([orders, self._woken], [], [])
            if self._woken in readable:
                os.read(self._woken, _LARGEST_MESSAGE)
                self._reap()
            if orders in readable and not self._receive():
                return

    def _receive(self) -> bool:
        """Handle what has arrived; return whether the socket is open."""
        data, pipes, _, _ = socket.recv_fds(self._connection, _LARGEST_MESSAGE, _MOST_PIPES)
        self._pipes += pipes
        if not data:
            return False
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            self._handle(json.loads(line))
        return True

    def _handle(self, message: dict[str, Any]) -> None:
        if "start" in message:
            self._start(ProcessOrder.from_json(message["start"]), self._pipes.popleft())
            return
        for process, run in self._runs.items():
            if run == message["signal"]:
                self._signal(process, message["number"])

    def _signal(self, process: int, number: int) -> None:
        """Interrupt the process of a run, or kill it with all that it has started."""
        with suppress(ProcessLookupError, PermissionError):
            if number == signal.SIGKILL:
                os.killpg(process, number)
            else:
                os.kill(process, number)

    def _start(self, order: ProcessOrder, lifeline: int) -> None:
        waiting, ready = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            process = os.fork()
            if process == 0:
                os.close(waiting)
                self._become(order, lifeline, ready)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(ready)
        os.close(lifeline)
        # Empty when the process has its own session: only then can it be ended as a group.
        os.read(waiting, 1)
        os.close(waiting)
        self._runs[process] = order.run
        self._send({"started": order.run, "process": process})

    def _become(self, order: ProcessOrder, lifeline: int, ready: int) -> None:
        """Execute a run in this process, and end."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._connection.close()
            code = execute(order, lifeline, ready)
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            sys.stderr.flush()
            # Nothing returns into the launcher, whatever was raised.
            os._exit(code)

    def _reap(self) -> None:
        """Report the runs that have ended, and end what they have left running."""
        for process, run in list(self._runs.items()):
            # The id of a process that was not waited for cannot be that of another.
            if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            self._signal(process, signal.SIGKILL)
            _, status = os.waitpid(process, 0)
            del self._runs[process]
            self._send({"ended": run, "status": os.waitstatus_to_exitcode(status)})

    def _send(self, message: dict[str, Any]) -> None:
        # Without a reader, the service has gone; the next reading says so.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._connection.sendall(json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
