"""The command line: arguments → options → one call → report → exit code."""

import errno
import os
import sys

import typer

from flowlock.cli import (
    authoring,
    building,
    completion,
    deploying,
    imaging,
    locating,
    releasing,
    running,
)
from flowlock.cli.options import app
from flowlock.errors import ExitCode, FlowlockError, UsageError
from flowlock.report import terminal
from flowlock.report.reporter import emit_bug, emit_failure, output_error

# Each module registers its commands when it is imported.
COMMANDS = (authoring, building, completion, deploying, imaging, locating, releasing, running)

__all__ = ["COMMANDS", "app", "main"]


# typer raises click's class, and from some version on its own copy of it.
COMMAND_LINE_ERROR: type[typer.BadParameter] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code; the only place that maps errors to codes."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        # Not `app(arguments)`: that turns interrupts and closed pipes into its own exits.
        command = typer.main.get_command(app)
        if completion.VARIABLE in os.environ:
            return completion.answer(command, arguments)
        color = terminal.is_colored(sys.stdout)
        with command.make_context("flowlock", [*arguments], color=color) as context:
            return int(command.invoke(context) or ExitCode.DONE)
    except typer.Exit as stop:
        return stop.exit_code
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever nobody expected is a bug
        return _failed(error, as_json="--json" in arguments)


def _failed(error: BaseException, *, as_json: bool) -> ExitCode:
    if isinstance(error, BrokenPipeError):
        # The reader of our output went away (`| head`): nothing is wrong, and nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        emit_failure(FlowlockError("interrupted", code="FL003"), as_json=as_json)
        return ExitCode.INTERRUPTED
    context = getattr(error, "ctx", None)
    if isinstance(error, COMMAND_LINE_ERROR) and context and error.format_message() == context.get_help():
        # A command that needs a subcommand was called bare: its help is the answer.
        context.color = terminal.is_colored(sys.stderr)
        sys.stderr.write(context.get_help() + "\n")
        return ExitCode.USAGE
    expected = _expected(error)
    if expected is not None:
        emit_failure(expected, as_json=as_json)
        return ExitCode.USAGE if isinstance(expected, UsageError) else ExitCode.FAILED
    emit_bug(error)
    bug = "this is a bug in flowlock: please report it with the lines above"
    emit_failure(FlowlockError(bug, code="FL004"), as_json=as_json)
    return ExitCode.BUG


def _expected(error: BaseException) -> FlowlockError | None:
    """Return an error as one of flowlock's; None if it is a bug."""
    if isinstance(error, FlowlockError):
        return error
    if isinstance(error, COMMAND_LINE_ERROR):
        context = getattr(error, "ctx", None)
        hint = f"see `{context.command_path if context else 'flowlock'} --help`"
        return UsageError(error.format_message().replace("Value error, ", ""), code="FL002", hint=hint)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        # typer writes help texts by itself; files have adapters, which report their errors.
        return output_error(error)
    return None
