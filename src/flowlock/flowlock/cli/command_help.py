"""The help of commands: grouped by what people do, each summary whole, with weight on a terminal."""

import re
from enum import StrEnum
from typing import Any

import typer
import typer.core


class Panel(StrEnum):
    """What people do with commands: the groups of `flowlock --help`, in this order."""

    WRITE = "Write workflows"
    BUILD = "Build and lock"
    RUN = "Run workflows"
    RELEASE = "Release and publish"
    LOOK_AFTER = "Look after a workspace"


OTHER = "Other commands"


class HelpContext(typer.Context):
    """Shows help with bold headings and names if there is colour; rich would take longer than the rest."""

    def get_help(self) -> str:
        """Return the help of the command."""
        text = super().get_help()
        return _weighted(text) if self.color else text


_HEADING = re.compile(r"^(?:Usage|\w[\w ]*)(?=:)|`[^`\n]+`", re.MULTILINE)
_ENTRY = re.compile(r"(?<=^  )(?:-[\w-]+(?:, -[\w-]+)*|[a-z][a-z-]*(?= <|\s\s|$))", re.MULTILINE)


def _weighted(text: str) -> str:
    text = _HEADING.sub(lambda match: typer.style(match[0], bold=True), text)
    return _ENTRY.sub(lambda match: typer.style(match[0], fg=typer.colors.CYAN, bold=True), text)


class GroupedCommands(typer.core.TyperGroup):
    """A group whose help lists its commands by panel; a group without panels lists them under one heading."""

    context_class = HelpContext

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, whose help is shown as that of its group."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            command.context_class = HelpContext
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each panel that has commands, each with its whole summary."""
        width = max(map(len, self.list_commands(ctx)), default=0)
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                # One width for all panels, so that their summaries are in one column.
                panels.setdefault(panel_of(command), []).append((name.ljust(width), summary(command)))
        order = [*Panel, OTHER]
        for panel in sorted(panels, key=order.index):
            heading = "Commands" if list(panels) == [OTHER] else panel
            with formatter.section(heading):
                formatter.write_dl(panels[panel])


def panel_of(command: Any) -> str:
    """Return the panel that lists a command."""
    # typer leaves a default object where no panel is given.
    panel = getattr(command, "rich_help_panel", None)
    return panel if isinstance(panel, str) else OTHER


def summary(command: Any) -> str:
    """Return the first sentence of a command's help."""
    first, _, _ = (command.help or "").partition("\n\n")
    return " ".join(first.split())
