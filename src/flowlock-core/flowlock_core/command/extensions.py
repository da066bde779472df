"""Subcommands that other distributions add to the commands of all workflows.

A distribution registers a module for each under the entry-point group `flowlock.commands`, by the name of the
subcommand. The module is imported for help and when the subcommand is called, so it must be quick to import.
"""

import configparser
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from flowlock_core.command.bundle import Bundle
from flowlock_core.command.parser import CommandParser
from flowlock_core.errors import WorkflowError
from flowlock_core.foreign import ForeignError, call_foreign

if TYPE_CHECKING:
    import argparse

GROUP = "flowlock.commands"


class CommandModule(Protocol):
    """What a registered module has."""

    HELP: str

    def add_options(self, parser: CommandParser, bundle: Bundle) -> None:
        """Add the options of the subcommand, and set `action` to the function that executes it.

        It may be called more than once, each time with another parser.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension:
    """The name of a subcommand, the distribution that registers it, and its module."""

    name: str
    distribution: str
    module: str

    def load(self) -> CommandModule:
        """Import the module; whatever it raises passes through."""
        return cast("CommandModule", import_module(self.module))


def extensions() -> list[Extension]:
    """Return the subcommands that installed distributions register, sorted by name.

    Of a distribution that is installed twice, the first on the path counts. Metadata that cannot be read is
    ignored. `importlib.metadata` would take longer than everything else that a help text needs.
    """
    registered: list[Extension] = []
    distributions = set()
    for file in _entry_point_files():
        distribution = file.parent.name.partition("-")[0].replace("_", "-")
        if distribution in distributions:
            continue
        distributions.add(distribution)
        for name, module in _registered(file).items():
            registered.append(Extension(name=name, distribution=distribution, module=module))
    return sorted(registered, key=lambda extension: (extension.name, extension.distribution))


def _entry_point_files() -> Iterator[Path]:
    """Yield the metadata of the distributions on the path; what is not a readable folder is left out."""
    for folder in sys.path:
        try:
            yield from sorted(Path(folder or ".").glob("*.dist-info/entry_points.txt"))
        except (OSError, ValueError):
            continue


def _registered(file: Path) -> dict[str, str]:
    """Return the modules by subcommand that an `entry_points.txt` registers."""
    parser = _EntryPoints(delimiters=("=",), interpolation=None)
    try:
        text = file.read_text(encoding="utf-8")
        if GROUP in text:
            parser.read_string(text)
    except (OSError, ValueError, configparser.Error):
        return {}
    return dict(parser[GROUP]) if parser.has_section(GROUP) else {}


class _EntryPoints(configparser.ConfigParser):
    def optionxform(self, optionstr: str) -> str:
        """Keep the case of names."""
        return optionstr


def add_extensions(commands: "argparse._SubParsersAction[CommandParser]", bundle: Bundle) -> list[str]:
    """Add the installed subcommands to those of a workflow's command.

    One that cannot be used is listed with the reason, and a call of it raises that. Returns a line for each
    that cannot be listed, because the command has a subcommand of that name.
    """
    own_names = set(commands.choices)
    owners: dict[str, list[Extension]] = {}
    for extension in extensions():
        owners.setdefault(extension.name, []).append(extension)
    refused = []
    for name, registered in owners.items():
        if name in own_names:
            origin = ", ".join(extension.distribution for extension in registered)
            refused.append(
                f"The subcommand `{name}` of {origin} is ignored: this command has its own `{name}`."
            )
        else:
            _add(commands, name, registered, bundle)
    return refused


def _add(
    commands: "argparse._SubParsersAction[CommandParser]",
    name: str,
    registered: Sequence[Extension],
    bundle: Bundle,
) -> None:
    module = _usable(registered, bundle)
    if isinstance(module, WorkflowError):
        reason = " ".join(module.message.split()).replace("%", "%%")
        commands.add_parser(name, help=f"not available: {reason}").refusal = module
    else:
        parser = commands.add_parser(name, help=module.HELP, allow_abbrev=False)
        module.add_options(parser, bundle)


def _usable(registered: Sequence[Extension], bundle: Bundle) -> CommandModule | WorkflowError:
    """Return the module of a subcommand, or why it cannot be used."""
    first = registered[0]
    if len(registered) > 1:
        origins = " and ".join(f"{extension.distribution} ({extension.module})" for extension in registered)
        return WorkflowError(
            f"the subcommand `{first.name}` is registered by both {origins}",
            code="FL770",
            hint="uninstall one of them",
        )
    module = call_foreign(lambda: _tried(first, bundle))
    if isinstance(module, ForeignError):
        return WorkflowError(
            f"the subcommand `{first.name}` of {first.distribution} cannot be loaded: {module.message}",
            code="FL770",
            hint=f"install {first.distribution} again, or uninstall it",
        )
    return module


def _tried(extension: Extension, bundle: Bundle) -> CommandModule:
    """Load a module and add its options to a parser that is not used: argparse cannot remove a subcommand."""
    module = extension.load()
    parser = CommandParser(prog=extension.name, description=module.HELP, allow_abbrev=False)
    module.add_options(parser, bundle)
    return module
