"""The command line: arguments → options → one call → report → exit code."""

import os
import sys

import typer

from flowlock.cli import authoring, building, releasing, running  # noqa: F401 - each registers its commands
from flowlock.cli.options import app
from flowlock.errors import ExitCode, FlowlockError, UsageError
from flowlock.report import emit_failure

__all__ = ["app", "main"]

# typer raises click's class, and from some version on its own copy of it.
COMMAND_LINE_ERROR: type[typer.BadParameter] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code; the only place that maps errors to codes."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        return int(app(arguments, standalone_mode=False) or ExitCode.DONE)
    except typer.Exit as stop:
        return stop.exit_code
    except Exception as error:  # noqa: BLE001 - whatever nobody expected is a bug, and says so
        return _failed(error, as_json="--json" in arguments)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted\n")
        return ExitCode.INTERRUPTED


def _failed(error: Exception, *, as_json: bool) -> ExitCode:
    if isinstance(error, COMMAND_LINE_ERROR) and error.format_message().startswith("Usage:"):
        # A command that needs a subcommand was called bare: its help is the answer.
        sys.stderr.write(error.format_message() + "\n")
        return ExitCode.USAGE
    if isinstance(error, COMMAND_LINE_ERROR):
        error = UsageError(error.format_message(), code="FL002", hint="see `flowlock COMMAND --help`")
    if isinstance(error, FlowlockError):
        emit_failure(error, as_json=as_json)
        return ExitCode.USAGE if isinstance(error, UsageError) else ExitCode.FAILED
    if isinstance(error, BrokenPipeError):
        # The reader of our output went away (`| head`): nothing is wrong, and nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    import traceback

    traceback.print_exception(error)
    sys.stderr.write("this is a bug in flowlock: please report it with the lines above\n")
    return ExitCode.BUG
