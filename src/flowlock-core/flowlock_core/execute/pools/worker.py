"""A process that executes calls one after the other, until the process that started it closes or ends."""

import atexit
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from io import TextIOWrapper
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

from flowlock_core.execute.call import Call, Outcome, run_call
from flowlock_core.execute.context import Position, RunContext
from flowlock_core.execute.lifeline import end_with
from flowlock_core.execute.pools.messages import Packed, PassingError, packed, receive, send, unpacked
from flowlock_core.execute.pools.problems import NotPassed, in_words
from flowlock_core.masking import masked, masked_problem

if TYPE_CHECKING:
    from flowlock_core.task import Task


class CallMessage(NamedTuple):
    """A call without what all calls of the run have in common; its task is pickled by itself."""

    step: str
    task: bytes
    values: Mapping[str, Any]
    element: str
    position: Position
    limited: bool
    delay: float


class RunMessage(NamedTuple):
    """What the calls that follow have in common, until another such message."""

    results: Path
    base: Path | None


class TakenMessage(NamedTuple):
    """Files that calls of the run have written since the last such message."""

    files: tuple[tuple[Path, Position], ...]


class Begun(NamedTuple):
    """A call with a time limit begins now: what it needs is imported."""


def work(calls: Connection, answers: Connection, lifeline: Connection) -> None:
    """Execute the calls that arrive; answer an Outcome, a NotPassed, or the exception that ends the run."""
    _end_with(lifeline)
    done = Event()
    # The first that is registered is the last that is executed: after what tasks register, such as the
    # removal of a temporary folder.
    atexit.register(_end_if, done)
    if isinstance(sys.stdout, TextIOWrapper):
        # A call that is ended while it runs has printed what it has printed.
        sys.stdout.reconfigure(line_buffering=True)
    worker = _Executing(lambda: send(answers, packed(Begun())))
    while True:
        try:
            message = receive(calls)
        except (EOFError, OSError):
            break
        try:
            answer = worker.answer(message)
        except RunStoppedError as stopped:
            answer = _packed_result(stopped.error, "what it raised")
        # What has been sent is not held any longer.
        del message
        if answer is not None:
            try:
                send(answers, answer)
            except OSError:
                break
            del answer
    done.set()


def _end_if(done: Event) -> None:
    """End without taking every object apart, which takes half a second after an import of pandas.

    A process that ends for another reason keeps its exit code.
    """
    if done.is_set():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _end_with(lifeline: Connection) -> None:
    """End with the process of the run, together with what tasks have started.

    Where a system cannot do so, this process ends after its call.
    """
    if not hasattr(os, "setpgid"):
        return
    # Ctrl-C in a terminal is sent to the processes of its group: the run ends its workers itself.
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    end_with(lifeline.fileno(), group=True)


class RunStoppedError(Exception):
    """A call raised what ends the run, such as an interrupt; the scheduler raises it again."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


class _Executing:
    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin
        self._taken: dict[Path, Position] = {}
        self._of_run = RunContext(taken=self._taken)
        self._tasks: dict[bytes, Task[..., Any]] = {}

    def answer(self, message: Packed) -> Packed | None:
        """Do what a message says, and return the answer to it, if it has one."""
        try:
            content = unpacked(message)
            call = self._call(content) if isinstance(content, CallMessage) else None
        except PassingError as error:
            return packed(NotPassed(value="an argument", reason=str(error)))
        if call is not None:
            if content.limited:
                time.sleep(content.delay)
                self._begin()
            elif content.delay:
                time.sleep(content.delay)
            outcome = executed(partial(run_call, call))
            return _packed_result(outcome, f"the result, {in_words(outcome.value)},")
        if isinstance(content, RunMessage):
            self._taken = {}
            self._of_run = RunContext(content.results, content.base, taken=self._taken)
        if isinstance(content, TakenMessage):
            self._taken.update(content.files)
        return None

    def _call(self, content: CallMessage) -> Call:
        step, name, values, element, position, _, _ = content
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = unpacked(Packed(name, ()))
        return Call(step, task, values, self._of_run, element, position)


def executed(run: Callable[[], Outcome]) -> Outcome:
    """Run a call for another process; a RunStoppedError says that it raised what ends the run."""
    try:
        outcome = run()
    except BaseException as error:
        raise RunStoppedError(error) from error
    return _without_secrets(outcome)


def _without_secrets(outcome: Outcome) -> Outcome:
    """Return an outcome that can leave this process, which alone knows all secrets of the task."""
    if outcome.failure is None:
        return outcome
    # The exception may hold anything.
    problems = tuple(masked_problem(problem) for problem in outcome.failure.problems)
    message = masked(outcome.failure.message)
    failure = replace(outcome.failure, message=message, problems=problems, error=None)
    return outcome._replace(failure=failure)


def _packed_result(result: Outcome | BaseException, name: str) -> Packed:
    try:
        return packed(result)
    except PassingError as error:
        return packed(NotPassed(value=name, reason=str(error)))
