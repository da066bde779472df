"""Command lines in texts, held against the command line that there is."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer

from flowlock.cli import COMMAND_LINE_ERROR, app
from shared import ROOT

COMMAND: Any = typer.main.get_command(app)
# Stand for what differs: the rest is not looked at.
OPEN_ENDS = {"…", "..."}


def commands(text: str) -> Iterator[list[str]]:
    """Yield the arguments of every `flowlock` in a line of shell."""
    for part in re.split(r"\|\|?|&&?|;|>|\$\(", text):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            continue
        while words and re.fullmatch(r"\w+=.*", words[0]):
            words = words[1:]
        if words and words[0].rpartition("/")[2] == "flowlock":
            yield words[1:]


def wrong_command(arguments: list[str], *, complete: bool) -> str | None:
    """Return why the command line would refuse these arguments; without `complete` some may be missing."""
    cut = next((n for n, word in enumerate(arguments) if word in OPEN_ENDS), len(arguments))
    complete = complete and cut == len(arguments)
    try:
        return unknown_command(arguments[:cut])
    except typer.Exit:
        return None
    except COMMAND_LINE_ERROR as error:
        kind, why = type(error).__name__, error.format_message()
        # `X` is what an f-string fills in: one of the choices.
        fine = kind == "NoArgsIsHelpError" or "'X' is not one of" in why
        return None if fine or (kind == "MissingParameter" and not complete) else why


def unknown_command(arguments: list[str]) -> str | None:
    """Parse arguments as the command line does, without running anything."""
    command, context = COMMAND, None
    while True:
        context = command.make_context(command.name, list(arguments), parent=context)
        # A group keeps its command's name and arguments apart.
        arguments = [*getattr(context, "_protected_args", ()), *context.args]
        if not hasattr(command, "commands") or not arguments or re.fullmatch("[A-Z]+", arguments[0]):
            return None
        if arguments[0] not in command.commands:
            return f"there is no command `{arguments[0]}`"
        command, arguments = command.commands[arguments[0]], arguments[1:]


def make_targets() -> set[str]:
    """Return the targets of this repository's Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
