"""The launcher as its service sees it: it is started, gets orders, and what it reports is passed on."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flowlock_core.errors import WorkflowError
from flowlock_serve.runs.run_process import ProcessOrder

_LARGEST_MESSAGE = 1 << 16
_SECONDS_TO_END = 5


class LauncherProcess:
    """A launcher; its messages, and None at its end, go to `report`, in a thread."""

    def __init__(
        self, workflow: str, report: Callable[["LauncherProcess", dict[str, Any] | None], None]
    ) -> None:
        self._report = report
        self._sending = threading.Lock()
        self._connection, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        passed = (lifeline, theirs.fileno())
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flowlock_serve.runs.launcher", *map(str, passed), workflow],
                pass_fds=passed,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Ctrl-C in the service's terminal is for the service, which ends its runs in order.
                start_new_session=True,
            )
        except OSError as error:
            raise WorkflowError(
                f"the process that starts runs cannot be started: {error.strerror or error}",
                code="FL780",
                hint="check how many processes this user may have",
            ) from error
        finally:
            theirs.close()
            os.close(lifeline)
        self._reader = threading.Thread(target=self._read, name="launcher", daemon=True)
        self._reader.start()

    def start(self, order: ProcessOrder) -> int:
        """Let the process of a run be started; return the pipe that ends it when it is closed."""
        theirs, ours = os.pipe()
        message = json.dumps({"start": order.as_json()}).encode() + b"\n"
        # A launcher that has gone is reported by the thread that reads.
        with self._sending, suppress(OSError):
            sent = socket.send_fds(self._connection, [message], [theirs])
            self._connection.sendall(message[sent:])
        os.close(theirs)
        return ours

    def interrupt(self, run: str) -> None:
        """Interrupt a run, so that it can end in order."""
        self._send({"signal": run, "number": int(signal.SIGINT)})

    def kill(self, run: str) -> None:
        """Kill the process of a run, and what it has started."""
        self._send({"signal": run, "number": int(signal.SIGKILL)})

    def close(self) -> None:
        """End the launcher; processes of runs end with their pipes."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._connection.close()
        os.close(self._lifeline)

    def _send(self, message: dict[str, Any]) -> None:
        with self._sending, suppress(OSError):
            self._connection.sendall(json.dumps(message).encode() + b"\n")

    def _read(self) -> None:
        text = b""
        with suppress(OSError):
            while data := self._connection.recv(_LARGEST_MESSAGE):
                *lines, text = (text + data).split(b"\n")
                for line in lines:
                    self._report(self, json.loads(line))
        self._report(self, None)
