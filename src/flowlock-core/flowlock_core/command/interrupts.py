"""A run that can be interrupted at any time: it is a child process, which is ended if it does not end itself.

No thread and no library that computes can be stopped from within its own process.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import NoReturn, TypeAlias

from flowlock_core.errors import ExitCode, WorkflowError
from flowlock_core.execute.lifeline import end_with

# Seconds that an interrupted run has to end itself.
GRACE = 0.6
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_EAGER = "eager"
Report: TypeAlias = Callable[[WorkflowError, ExitCode], ExitCode]


def interrupted(arguments: Sequence[str]) -> WorkflowError:
    """Return what is said of an interrupted command: what was kept, and the next command."""
    hint = None
    if arguments[:1] == ["run"]:
        hint = "the results of the finished steps are cached: run the same command with --resume"
        if "--no-cache" in arguments or _EAGER in arguments:
            hint = "no results were cached: run the same command again"
    return WorkflowError("interrupted", code="FL003", hint=hint)


def supervised(command: Callable[[], int], report: Report, arguments: Sequence[str]) -> int:
    """Execute a command in a child process and return its exit code; `report` tells how the child was ended.

    The child has all that this process has: it is a copy. Without such copies, or where this process has
    threads or a debugger, the command is executed here.
    """
    if not hasattr(os, "fork") or threading.active_count() > 1 or sys.gettrace() is not None:
        return command()
    lifeline, ours = os.pipe()
    # In a terminal, Ctrl-C reaches all processes of the group, and only its processes may read.
    own_group = not os.isatty(0)
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    child = os.fork()
    if child == 0:
        os.close(ours)
        if own_group:
            os.setpgid(0, 0)
        end_with(lifeline, group=own_group)
        return as_child(command)
    os.close(lifeline)
    supervisor = _Supervisor(child, own_group=own_group)
    code = supervisor.wait()
    if code >= 0:
        return code
    if supervisor.interrupted:
        return report(interrupted(arguments), ExitCode.INTERRUPTED)
    return report(_ended(-code), ExitCode.FAILED)


def _ended(number: int) -> WorkflowError:
    return WorkflowError(
        f"the process of the run was ended by the signal {signal.Signals(number).name}",
        code="FL756",
        hint="the memory may be full, or a library that a task calls is faulty; with `--executor processes` "
        "only the call fails, and is named",
    )


class _Supervisor:
    def __init__(self, child: int, *, own_group: bool) -> None:
        self._child, self._own_group = child, own_group
        self.interrupted = False

    def wait(self) -> int:
        """Wait until the child has ended; return its exit code, or the signal as a negative number."""
        _handle_with(self._interrupt)
        signal.signal(signal.SIGALRM, self._kill)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        _, status = os.waitpid(self._child, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self.interrupted and self._own_group:
            # What a task has started, and has not ended.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child, signal.SIGKILL)
        return os.waitstatus_to_exitcode(status)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self.interrupted:
            return
        self.interrupted = True
        signal.setitimer(signal.ITIMER_REAL, GRACE)
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGINT)

    def _kill(self, _number: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)


def as_child(command: Callable[[], int]) -> int:
    """Execute the command until it ends or is interrupted, once."""
    _handle_with(_raise_once)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    try:
        code = command()
    except KeyboardInterrupt:
        # It came before or behind what reports it: the supervisor does.
        signal.raise_signal(signal.SIGKILL)
    if code == ExitCode.INTERRUPTED:
        _end_now()
    return code


def _handle_with(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in _SIGNALS:
        # A shell makes what it starts in the background ignore interrupts.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _raise_once(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _end_now() -> NoReturn:
    """End, and wait neither for threads nor for what is done at exit."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ExitCode.INTERRUPTED)
