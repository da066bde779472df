"""The one place that runs processes: no shell, a given environment, ended with all their children."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import IO

from flowlock.edges import bound as bound_program
from flowlock.errors import FlowlockError, from_os_error

LOG_TAIL = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """A process that ended: its exit code and what it wrote, as text."""

    returncode: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    check: bool = True,
    each_line: Callable[[str], None] | None = None,
    bound: bool = False,
) -> Completed:
    """Run a process to its end; with `check`, one that fails is a FlowlockError with the tail of its output.

    `env` is the whole environment of the process, ours if not given. `each_line` is called with every line
    of its stderr as it comes, from a separate thread. An interrupt ends the process and its children before
    it goes on; a `bound` process, named by its whole path, ends even if we are killed (on Linux).
    """
    with started(bound_to_us(argv) if bound else argv, cwd=cwd, env=env) as process:
        out, err = _communicate(process, stdin, each_line)
    done = Completed(returncode=process.returncode, stdout=out, stderr=err)
    return require_success(Path(str(argv[0])).name, done) if check else done


def require_success(command: str, done: Completed) -> Completed:
    """Return what a process did; one that failed is a FlowlockError with the tail of its output."""
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).splitlines()[-LOG_TAIL:])
        raise FlowlockError(f"`{command}` failed with exit code {done.returncode}", code="FL020", detail=tail)
    return done


def attached(argv: Sequence[str | Path], *, env: Mapping[str, str]) -> int:
    """Run a process that writes where we write until it ends; return its exit code.

    The first interrupt, and a request to terminate, are passed on, and the process ends as it decides. A
    second interrupt ends it and its children. It reads nothing, and ends even if we are killed (on Linux).
    """
    with started(bound_to_us(argv), env=env, pipes=False) as process, _termination_passed_on(process):
        try:
            return process.wait()
        except KeyboardInterrupt:
            # In Windows, the process gets it from the console.
            if os.name != "nt":
                process.send_signal(signal.SIGINT)
            return process.wait()


@contextmanager
def _termination_passed_on(process: subprocess.Popen[str]) -> Iterator[None]:
    previous = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def bound_to_us(argv: Sequence[str | Path]) -> list[str]:
    """Return a command, named by its whole path, that ends even if we are killed (on Linux)."""
    command = [str(part) for part in argv]
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", bound_program.__file__, str(os.getpid()), *command]


@contextmanager
def conversing(
    argv: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]
) -> Iterator[tuple[IO[str], IO[str]]]:
    """Start a process that answers requests; yield its stdin and its stdout. It ends with the block.

    What it writes to stderr is lost.
    """
    with started(argv, cwd=cwd, env=env) as process:
        errors = process.stderr or StringIO()
        Thread(target=errors.read, daemon=True).start()
        yield process.stdin or StringIO(), process.stdout or StringIO()


def _communicate(
    process: subprocess.Popen[str], stdin: str | None, each_line: Callable[[str], None] | None
) -> tuple[str, str]:
    if each_line is None:
        return process.communicate(stdin)
    tell, lines, faults = each_line, list[str](), list[Exception]()

    def listen() -> None:
        for line in process.stderr or ():
            lines.append(line)
            try:
                if not faults:
                    tell(line.rstrip())
            except Exception as error:  # noqa: BLE001 - raised below; the pipe must be drained to its end
                faults.append(error)

    listener = Thread(target=listen, daemon=True)
    listener.start()
    with process.stdin or nullcontext() as stream:
        if stream is not None and stdin is not None:
            stream.write(stdin)
    out = process.stdout.read() if process.stdout else ""
    listener.join()
    process.wait()
    if faults:
        raise faults[0]
    return out, "".join(lines)


@contextmanager
def started(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    pipes: bool = True,
) -> Iterator[subprocess.Popen[str]]:
    """Start a process in a separate group; leaving the block ends what still runs of it.

    Its streams are pipes; without, it writes where we write and reads nothing.
    """
    outgoing = subprocess.PIPE if pipes else None
    try:
        process = subprocess.Popen(
            [str(part) for part in argv],
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
            stdout=outgoing,
            stderr=outgoing,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise from_os_error(error, "run", argv[0]) from error
    try:
        with process:
            try:
                yield process
            except BaseException:
                kill_group(process)
                raise
    finally:
        kill_group(process)


def kill_group(process: subprocess.Popen[str]) -> None:
    """End a process of `started` and every child that stayed in its group."""
    if os.name == "nt":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
