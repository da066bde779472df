"""The computations of a preview: one at a time, in the workflow's environment; a new one stops the last."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import IO

from flowlock.edges import process
from flowlock.edges.process import Completed
from flowlock.errors import FlowlockError
from flowlock.preview import computation_host
from flowlock.running.environment import Environment


@dataclass(frozen=True, kw_only=True, slots=True)
class Computation:
    """What to run: a function of a compiled package, with the arguments of its command.

    `paths` are searched for modules before the environment's own: the package, then sources.
    """

    package: str
    function: str
    arguments: Sequence[str]
    paths: Sequence[Path]


class Computations:
    """Runs computations in forks of one process; `ended` is called at the end of each, in another thread."""

    def __init__(
        self, requests: IO[str], answers: IO[str], folder: Path, ended: Callable[[int, Completed], None]
    ) -> None:
        self._requests, self._answers = requests, answers
        self._folder = folder
        self._ended = ended
        self._started: Queue[int | None] = Queue()
        self._running: int | None = None
        Thread(target=self._listen, daemon=True).start()

    def start(self, computation: Computation, *, edited: bool) -> int:
        """Stop what runs, start a computation and return its number, by which its end is reported.

        Sources that were `edited` since the last one are imported again.
        """
        self.stop()
        files_of_run = {name: str(self._file(name)) for name in ("stdout", "stderr", "modules")}
        request = {
            "package": computation.package,
            "function": computation.function,
            "arguments": list(computation.arguments),
            "paths": [str(path) for path in computation.paths],
            "edited": edited,
            **files_of_run,
        }
        self._send(request)
        number = self._started.get()
        if number is None:
            raise _host_ended()
        self._running = number
        return number

    def prepare(self) -> None:
        """Import what the computation that ended has imported, so that the next one begins sooner."""
        self._send({"import": str(self._file("modules"))})

    def stop(self) -> None:
        """End the computation that runs, if one does, with every process of it."""
        running, self._running = self._running, None
        if running is not None:
            # It has a separate group, or at its very beginning that of the host.
            for end in (os.killpg, os.kill):
                with suppress(ProcessLookupError, PermissionError):
                    end(running, signal.SIGKILL)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.txt"

    def _send(self, request: object) -> None:
        try:
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
        except OSError as error:
            raise _host_ended() from error

    def _listen(self) -> None:
        for line in self._answers:
            answer = json.loads(line)
            if "started" in answer:
                self._started.put(answer["started"])
            else:
                texts = [self._read(name) for name in ("stdout", "stderr")]
                done = Completed(returncode=answer["code"], stdout=texts[0], stderr=texts[1])
                self._ended(answer["ended"], done)
        self._started.put(None)

    def _read(self, name: str) -> str:
        try:
            return self._file(name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            # It ended before it could open it.
            return ""


def _host_ended() -> FlowlockError:
    return FlowlockError(
        "the process that runs the workflow has ended",
        code="FL712",
        hint="the memory may be full; start `flowlock preview` again",
    )


@contextmanager
def computations(
    environment: Environment, folder: Path, *, ended: Callable[[int, Completed], None]
) -> Iterator[Computations]:
    """Yield the computations of an environment; what they write is below `folder`. All end with the block."""
    if not hasattr(os, "fork"):
        raise FlowlockError(
            "a preview needs an operating system that can fork processes",
            code="FL716",
            hint="use `flowlock run`, or run flowlock in WSL",
        )
    folder.mkdir(parents=True, exist_ok=True)
    command = process.bound_to_us([environment.bin / "python", "-I", computation_host.__file__])
    with process.conversing(command, cwd=folder, env=environment.variables()) as (requests, answers):
        started = Computations(requests, answers, folder, ended)
        try:
            yield started
        finally:
            started.stop()
