"""`flowlock completion SHELL`, and the answers to the shells that evaluated it.

typer's own completion imports rich to remove markup from help texts, which takes longer than all the rest.
"""

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from flowlock.cli.command_help import Panel, summary
from flowlock.cli.options import CommandOptions, app
from flowlock.errors import ExitCode

# Set by the scripts below: the shell, whose words up to the cursor are the arguments.
VARIABLE = "_FLOWLOCK_COMPLETE"


class Shell(StrEnum):
    """A shell whose completion can be set up."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


# If there is no offer, each completes files.
SCRIPTS = {
    Shell.BASH: """\
_flowlock() {
    local IFS=$'\\n'
    COMPREPLY=($(_FLOWLOCK_COMPLETE=bash "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _flowlock flowlock
""",
    Shell.ZSH: """\
#compdef flowlock
_flowlock() {
    local -a offered
    offered=("${(@f)$(_FLOWLOCK_COMPLETE=zsh "$words[1]" "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$offered" ]]; then
        _describe flowlock offered
    else
        _files
    fi
}
compdef _flowlock flowlock
""",
    Shell.FISH: """\
function __flowlock_offered
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l offered (_FLOWLOCK_COMPLETE=fish $words[1] $words[2..-1] "$current" 2>/dev/null)
    if test -n "$offered"
        string join \\n $offered
    else
        __fish_complete_path "$current"
    end
end
complete --command flowlock --no-files --arguments '(__flowlock_offered)'
""",
}

Offer = tuple[str, str]


@app.command(rich_help_panel=Panel.LOOK_AFTER)
def completion(
    context: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="The shell that evaluates the script.")],
) -> int:
    """Print a script that completes commands, options and names in a shell."""
    from flowlock.commands.completion import CompletionScript

    options: CommandOptions = context.obj
    return options.emit(CompletionScript(shell=shell.value, script=SCRIPTS[shell]), verbatim=True)


def answer(root: Any, words: Sequence[str]) -> int:
    """Print what the last word could be, as the shell of the variable reads it."""
    shell = os.environ[VARIABLE]
    lines = [_line(shell, name, " ".join(about.split())) for name, about in offers(root, words)]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return ExitCode.DONE


def _line(shell: str, name: str, about: str) -> str:
    if shell == Shell.FISH:
        return f"{name}\t{about}"
    if shell == Shell.ZSH:
        escaped = name.replace(":", "\\:")
        return f"{escaped}:{about}" if about else escaped
    return name


def offers(root: Any, words: Sequence[str]) -> list[Offer]:
    """Return what the last of some words could be, each with a description."""
    *before, current = words or [""]
    line = _Line(root)
    for word in before:
        line.read(word)
    return line.offers(current)


class _Line:
    """A command line up to the cursor: its command, and what the next word is for."""

    def __init__(self, root: Any) -> None:
        self._root = self._command = root
        self._context = typer.Context(root, info_name="flowlock")
        self._option: Any = None
        self._arguments = 0
        self._only_arguments = False

    def read(self, word: str) -> None:
        """Take a word into account."""
        # bash splits `--option=value` into three words.
        if word == "=" and self._option is not None:
            return
        if self._option is not None:
            self._take_value(word)
        elif word == "--":
            self._only_arguments = True
        elif word.startswith("-") and not self._only_arguments:
            name, equals, value = word.partition("=")
            self._option = self._with_value(name)
            if equals and self._option is not None:
                self._take_value(value)
        elif word in getattr(self._command, "commands", {}):
            self._command = self._command.commands[word]
        else:
            self._arguments += 1

    def _take_value(self, value: str) -> None:
        # Names are those of the workspace in this folder.
        self._context.params[self._option.name] = value
        self._option = None

    def _options(self) -> list[Any]:
        every = [*self._command.params, *(self._root.params if self._command is not self._root else ())]
        return [option for option in every if option.param_type_name == "option" and not option.hidden]

    def _with_value(self, name: str) -> Any:
        """Return the option of a name if it has a value."""
        named = [option for option in self._options() if name in option.opts and not option.is_flag]
        return named[0] if named else None

    def offers(self, current: str) -> list[Offer]:
        """Return what the next word could be, of which the start is known."""
        if self._option is not None:
            return self._values(self._option, current.removeprefix("="))
        if current.startswith("-") and not self._only_arguments:
            return self._option_offers(current)
        commands = getattr(self._command, "commands", {})
        if commands:
            return [(name, summary(one)) for name, one in commands.items() if name.startswith(current)]
        argument = self._next_argument()
        return self._values(argument, current) if argument is not None else []

    def _next_argument(self) -> Any:
        """Return the argument that the next word is for; None if there are enough."""
        arguments = [one for one in self._command.params if one.param_type_name == "argument"]
        if self._arguments < len(arguments):
            return arguments[self._arguments]
        return arguments[-1] if arguments and arguments[-1].nargs == -1 else None

    def _option_offers(self, current: str) -> list[Offer]:
        name, equals, start = current.partition("=")
        option = self._with_value(name)
        if equals:
            values = self._values(option, start) if option is not None else []
            return [(f"{name}={value}", about) for value, about in values]
        names = [(name, option.help or "") for option in self._options() for name in option.opts]
        return [(name, about) for name, about in [*names, ("--help", "")] if name.startswith(current)]

    def _values(self, parameter: Any, start: str) -> list[Offer]:
        """Return the values of an option or argument; none for files, which the shell completes."""
        items = parameter.shell_complete(self._context, start)
        return [(item.value, item.help or "") for item in items if item.type == "plain"]
