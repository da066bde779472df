"""Results and failures as text or JSON on stdout; progress, one line per stage, on stderr."""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol, TextIO

from flowlock.edges.secret import safe, safe_document
from flowlock.errors import FlowlockError, Problem, from_os_error
from flowlock.report import terminal
from flowlock.report.problem_text import problems_text


class Format(StrEnum):
    """The format in which problems are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


class Result(Protocol):
    """What a command returns: the contract's JSON document, and the same for people."""

    @property
    def ok(self) -> bool:
        """Whether the command succeeded; if not, it exits with 1."""

    def as_json(self) -> Mapping[str, Any]:
        """Return the one document that --json prints."""

    def as_text(self) -> str:
        """Return the lines that are printed without --json; an empty string prints nothing."""


@dataclass(slots=True)
class ProgressStage:
    """A stage under way: the code that runs it says how it ended."""

    name: str
    status: str = "done"
    detail: str = ""


class Progress(Protocol):
    """The progress of a long command."""

    def stage(self, name: str) -> Any:
        """Return a context manager that yields a Stage and prints its line when the block ends well."""

    def working(self, text: str) -> None:
        """Show the current activity: live on a terminal, elsewhere as a line with -v."""

    def note(self, text: str) -> None:
        """Print a line that the user should see: a warning, or where something was put."""


class Silent:
    """Progress without output (library use, tests)."""

    @contextmanager
    def stage(self, name: str) -> Iterator[ProgressStage]:
        """Yield a stage and print nothing."""
        yield ProgressStage(name)

    def working(self, text: str) -> None:
        """Print nothing."""

    def note(self, text: str) -> None:
        """Print nothing."""


class PlainProgress:
    """Progress as plain lines, for logs and pipes."""

    def __init__(self, stream: TextIO, *, quiet: bool = False, verbose: bool = False) -> None:
        self._stream, self._quiet, self._verbose = stream, quiet, verbose

    @contextmanager
    def stage(self, name: str) -> Iterator[ProgressStage]:
        """Time the block; print name, status, detail and seconds."""
        stage, started = ProgressStage(name), time.perf_counter()
        yield stage
        if not self._quiet:
            seconds = time.perf_counter() - started
            self._line(f"{stage.name:<10} {stage.status:<8} {stage.detail}  ({seconds:.1f} s)")

    def working(self, text: str) -> None:
        """Print the text with -v."""
        if self._verbose and not self._quiet:
            self._line(f"  {text}")

    def note(self, text: str) -> None:
        """Print the text unless quiet."""
        if not self._quiet:
            self._line(text)

    def _line(self, text: str) -> None:
        self._stream.write(terminal.shown(safe(text).rstrip(), self._stream) + "\n")
        self._stream.flush()


class LiveProgress(PlainProgress):
    """Lines, and under them a spinner with the current activity."""

    def __init__(self, stream: TextIO, *, quiet: bool = False, verbose: bool = False) -> None:
        from flowlock.report.activity import ActivityLine

        super().__init__(stream, quiet=quiet, verbose=verbose)
        self._activity = ActivityLine(stream)

    @contextmanager
    def stage(self, name: str) -> Iterator[ProgressStage]:
        """Show a spinner while the block runs, then its line."""
        if self._quiet:
            yield ProgressStage(name)
            return
        with self._activity.of(name), super().stage(name) as stage:
            yield stage

    def working(self, text: str) -> None:
        """Put the text beside the spinner."""
        self._activity.text = safe(text)

    def _line(self, text: str) -> None:
        self._activity.print_above(safe(text).rstrip())


def progress(stream: TextIO, *, quiet: bool = False, verbose: bool = False) -> PlainProgress:
    """Return live progress for a terminal, plain lines for anything else."""
    kind = LiveProgress if stream.isatty() else PlainProgress
    return kind(stream, quiet=quiet, verbose=verbose)


def emit(result: Result, *, as_json: bool, verbatim: bool = False) -> None:
    """Print a command's result on stdout: exactly one JSON document, or its text.

    `verbatim` is for texts that programs read: no colour, whatever the environment forces, and whole lines.
    """
    if as_json:
        _write_out(_json(result.as_json()) + "\n")
    elif text := safe(result.as_text()).rstrip("\n"):
        _write_out((text if verbatim else terminal.shown(text, sys.stdout)) + "\n")


def emit_failure(error: FlowlockError, *, as_json: bool) -> None:
    """Print an expected failure: as text on stderr, and with `as_json` also as JSON on stdout."""
    if as_json:
        document = {"ok": False, "message": error.message, "problems": [p.as_json() for p in error.problems]}
        _write_out(_json(document) + "\n")
    sys.stderr.write(terminal.shown(safe(failure_text(error)), sys.stderr) + "\n")


def emit_bug(error: BaseException) -> None:
    """Print the traceback of an unexpected error."""
    import traceback

    sys.stderr.write(safe("".join(traceback.format_exception(error))))


def _json(document: Mapping[str, Any]) -> str:
    from json import dumps

    return dumps(safe_document(document), indent=2, ensure_ascii=False)


def _write_out(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise output_error(error) from error


def output_error(error: OSError) -> FlowlockError:
    """Return the error of an output that cannot be written; nothing more is written to it."""
    # What could not be written now must not be tried again when the process ends.
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open until exit
    return from_os_error(error, "write", "the output")


def failure_text(error: FlowlockError) -> str:
    """Return what happened, each problem, what was kept, and the next command."""
    single = len(error.problems) == 1 and error.problems[0].message == error.message
    lines = []
    if not single:
        lines.append(f"error: {error.message}")
    # The hint comes once: after its problem if that is all there is, else at the end.
    last = error.hint if error.detail or not single else None
    lines.append(problems_text(_without_hint(error.problems, last), error.texts))
    if error.detail:
        lines += ["", *(f"  | {line}" for line in error.detail.splitlines()), ""]
    if error.kept:
        lines.append(f"kept: {error.kept}")
    if last:
        lines.append(f"hint: {last}")
    return "\n".join(lines)


def _without_hint(problems: Iterable[Problem], hint: str | None) -> list[Problem]:
    """Return the problems, without their hints where those are the one that is shown elsewhere."""
    return [replace(problem, hint=None) if problem.hint == hint else problem for problem in problems]
