"""A page for each command, generated from the command line that there is."""

import re
from collections.abc import Iterator, Mapping
from enum import EnumType
from typing import Any

import typer

from flowlock.cli import app
from flowlock.cli.command_help import OTHER, Panel, panel_of, summary
from tools.docs.markdown import fence, table

PROGRAM = "flowlock"
EXIT_CODES = (
    ("0", "The command is done."),
    ("1", "An expected failure: something is invalid, out of date or failed."),
    ("2", "The command line is invalid."),
    ("3", "A bug in flowlock."),
    ("130", "The command was interrupted."),
)


def command_pages(guides: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the path and text of the index and of each command's page.

    `guides` are the pages that people wrote, by path: each command links those that show it.
    """
    root: Any = typer.main.get_command(app)
    yield "commands/index.md", _index(root)
    for name, command in root.commands.items():
        yield f"commands/{name}.md", _page(name, command, guides)


def _index(root: Any) -> str:
    panels: dict[str, list[list[str]]] = {}
    for name, command in root.commands.items():
        row = [f"[`{name}`]({name}.md)", summary(command)]
        panels.setdefault(panel_of(command), []).append(row)
    parts = ["# Commands\n", f"{summary(root)}\n"]
    for panel in sorted(panels, key=[*Panel, OTHER].index):
        parts += [f"## {panel}\n", table(("command", "what it does"), panels[panel])]
    parts += [
        "## Global options\n",
        "They can be given before or after a command.\n",
        _options(root),
        "## Exit codes\n",
        table(("code", "meaning"), EXIT_CODES),
    ]
    return "\n".join(parts)


def _page(name: str, command: Any, guides: Mapping[str, str]) -> str:
    parts = [f"# {PROGRAM} {name}\n", *_sections(command, [PROGRAM, name])]
    for sub, subcommand in getattr(command, "commands", {}).items():
        parts += [f"## {PROGRAM} {name} {sub}\n", *_sections(subcommand, [PROGRAM, name, sub])]
    shown = re.compile(rf"\bflowlock (-\S+ )*{re.escape(name)}\b")
    links = [f"- [{_title(text)}](../{path})" for path, text in guides.items() if shown.search(text)]
    if links:
        parts += ["## Guides that show it\n", "\n".join(links) + "\n"]
    return "\n".join(parts)


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ")


def _sections(command: Any, words: list[str]) -> Iterator[str]:
    context = typer.Context(command, info_name=words[-1])
    usage = " ".join([*words, *command.collect_usage_pieces(context)])
    yield f"{' '.join((command.help or '').split())}\n"
    yield fence("text", usage)
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    if arguments:
        rows = [[f"`{one.metavar or one.name.upper()}`", one.help or "", _given(one)] for one in arguments]
        yield table(("argument", "meaning", "value"), rows)
    options = _options(command)
    if options:
        yield options


def _options(command: Any) -> str:
    """Return the table of a command's options; empty if it has none."""
    rows = []
    for option in command.params:
        if option.param_type_name == "option" and not option.hidden:
            names = ", ".join(f"`{name}`" for name in option.opts)
            rows.append([names, option.help or "", _given(option)])
    return table(("option", "meaning", "value"), rows) if rows else ""


def _given(parameter: Any) -> str:
    """Return what a value may be, its default, and whether it can be repeated."""
    annotation = parameter.type_descriptor.annotation
    choices: list[Any] = list(annotation) if isinstance(annotation, EnumType) else []
    facts = [" or ".join(f"`{choice.value}`" for choice in choices)]
    default = parameter.default
    if parameter.required:
        facts.append("required")
    elif not (default is None or default is False or callable(default) or default == []):
        facts.append(f"default: `{getattr(default, 'value', default)}`")
    if parameter.nargs == -1 or getattr(parameter, "multiple", False):
        facts.append("repeatable")
    if getattr(parameter, "envvar", None):
        facts.append(f"or the variable `{parameter.envvar}`")
    return "; ".join(fact for fact in facts if fact)
