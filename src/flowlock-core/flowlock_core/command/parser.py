"""The parser of a command line that reports problems as all others are, and knows its own options."""

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Self

from flowlock_core.errors import UsageError, WorkflowError


class CommandParser(argparse.ArgumentParser):
    """Raises a UsageError for a wrong command line; takes --json everywhere.

    `more` returns what the help ends with; it is only called for `--help`. `options` and
    `commands` are what was added, for the completion of shells. A parser with a `refusal` raises it, whatever
    the arguments are.
    """

    more: Callable[[], str] | None = None
    refusal: WorkflowError | None = None

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self.options: list[argparse.Action] = []
        self.commands: Mapping[str, Self] = {}
        super().__init__(*arguments, **settings)
        self.add_argument(
            "--json", action="store_true", help="print one JSON document on stdout, for errors too"
        )

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """Add an argument as argparse does, and remember it if it is an option."""
        action = super().add_argument(*names, **settings)
        if action.option_strings:
            self.options.append(action)
        return action

    def add_commands(self) -> "argparse._SubParsersAction[Self]":
        """Make this a command with subcommands, of which one must be given; return where to add them."""
        commands = self.add_subparsers(title="commands", metavar="COMMAND", required=True)
        self.commands = commands.choices
        return commands

    def parse_known_args(self, *arguments: Any, **settings: Any) -> Any:
        """Parse as argparse does, unless the parser has a refusal."""
        if self.refusal is not None:
            raise self.refusal
        return super().parse_known_args(*arguments, **settings)

    def format_help(self) -> str:
        """Return the help, and what it ends with."""
        text = super().format_help()
        return text if self.more is None else f"{text}\n{self.more()}"

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Exit as argparse does, when what was printed has been written: that may fail."""
        sys.stdout.flush()
        super().exit(status, message)

    def error(self, message: str) -> NoReturn:
        """Print the usage and raise a UsageError."""
        self.print_usage(sys.stderr)
        raise UsageError(message, code="FL739", hint=f"`{self.prog} --help` lists the options")
