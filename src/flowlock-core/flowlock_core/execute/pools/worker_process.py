"""A process that executes calls, as the scheduler sees it: what is sent, what comes back, how it ends."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.context import SpawnContext
from typing import Any

from flowlock_core.execute.pools.messages import Packed, PassingError, receive, send, unpacked
from flowlock_core.execute.pools.problems import NotPassed
from flowlock_core.execute.pools.worker import work

# Seconds until a process that has closed its connection has ended, and one that was killed.
_ENDING = 1.0


class WorkerEndedError(Exception):
    """The process has ended; `exit_code` is negative for a signal, None if only its connection is closed."""

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


class WorkerProcess:
    """A process that was started; it ends when its connection is closed, or at once with this process."""

    def __init__(self, context: SpawnContext) -> None:
        calls, self._calls = context.Pipe(duplex=False)
        self.answers, answers = context.Pipe(duplex=False)
        lifeline, self._lifeline = context.Pipe(duplex=False)
        theirs = (calls, answers, lifeline)
        self._process = context.Process(target=work, args=theirs, name="flowlock worker")
        with _without_interrupts():
            self._process.start()
        for end in theirs:
            end.close()

    def send(self, message: Packed) -> None:
        """Send a message; an OSError says that the process has ended."""
        send(self._calls, message)

    def receive(self, *, ended: bool) -> Any:
        """Return the answer of the process; a WorkerEndedError says that it has ended without one.

        A process that has `ended` may have started another one, which keeps the pipe of the answers open.
        """
        message = None if ended and not self.answers.poll() else self._received()
        if message is None:
            self._process.join(_ENDING)
            exit_code = self._process.exitcode
            self.kill()
            self.end(_ENDING)
            raise WorkerEndedError(exit_code)
        try:
            return unpacked(message)
        except PassingError as error:
            return NotPassed(value="the result", reason=str(error))

    def _received(self) -> Packed | None:
        try:
            return receive(self.answers)
        except (EOFError, OSError):
            return None

    @property
    def pid(self) -> int:
        """The id of the process."""
        pid = self._process.pid
        if pid is None:
            raise RuntimeError("the process was not started")
        return pid

    def is_alive(self) -> bool:
        """Return whether the process has not ended."""
        return self._process.is_alive()

    def close(self) -> None:
        """Let the process end, once its call has."""
        self._calls.close()

    def kill(self) -> None:
        """End the process and those that it has started."""
        if hasattr(os, "killpg"):
            # It has no group yet, or its group has ended.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()

    def end(self, seconds: float) -> None:
        """Wait until the process has ended, and kill it if it has not by then."""
        self._process.join(seconds)
        if self._process.is_alive():
            self.kill()
            self._process.join(_ENDING)
        self._calls.close()
        self.answers.close()
        self._lifeline.close()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold signals back while a process starts: until it has its own group, it would be given ours."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
