"""What a shell needs to complete the command line of a workflow, written for bash, zsh and fish."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from string import Template

SHELLS = ("bash", "zsh", "fish")
_BASH = Template("""\
# Completion of $command for bash, and for zsh with bashcompinit.
_$function() {
    local current="$${COMP_WORDS[COMP_CWORD]}" previous="$${COMP_WORDS[COMP_CWORD-1]}" subcommand="" word
    for word in "$${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$$word" in
            $subcommands) subcommand="$$word"; break ;;
        esac
    done
    case "$$subcommand $$previous" in
$values
    esac
    case "$$subcommand" in
$options
        *) COMPREPLY=($$(compgen -W "$top" -- "$$current")) ;;
    esac
}
complete -o default -F _$function $command
""")
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Option:
    """An option: its names, what it is for, and what its value may be if it takes one."""

    names: tuple[str, ...]
    help: str
    values: tuple[str, ...]
    takes_value: bool


def script(shell: str, parser: argparse.ArgumentParser, settings: Sequence[str]) -> str:
    """Return the text that a shell evaluates; `settings` are the values that `--set` begins with."""
    commands = {name: list(_options(one, settings)) for name, one in _subparsers(parser).items()}
    top = [*commands, *(name for option in _options(parser, settings) for name in option.names)]
    if shell == "fish":
        return "".join(f"{line}\n" for line in _fish(parser.prog, commands))
    text = _bash(parser.prog, commands, top)
    return _ZSH + text if shell == "zsh" else text


def _subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list what it knows
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
            return dict(action.choices)
    return {}


def _options(parser: argparse.ArgumentParser, settings: Sequence[str]) -> Iterator[_Option]:
    for action in parser._actions:  # noqa: SLF001 - likewise
        if action.option_strings:
            choices = tuple(map(str, action.choices or ()))
            yield _Option(
                names=tuple(action.option_strings),
                help=(action.help or "").replace("'", ""),
                values=tuple(settings) if "--set" in action.option_strings else choices,
                takes_value=action.nargs != 0,
            )


def _bash(command: str, commands: dict[str, list[_Option]], top: Iterable[str]) -> str:
    values, lines = [], []
    for name, options in commands.items():
        for option in options:
            if option.values:
                patterns = "|".join(f'"{name} {spelling}"' for spelling in option.names)
                words = " ".join(option.values)
                values.append(
                    f'        {patterns}) COMPREPLY=($(compgen -W "{words}" -- "$current")); return ;;'
                )
        words = " ".join(spelling for option in options for spelling in option.names)
        lines.append(f"        {name}) {_reply(words)} ;;")
    return _BASH.substitute(
        command=command,
        function=command.replace("-", "_"),
        subcommands="|".join(commands),
        values="\n".join(values),
        options="\n".join(lines),
        top=" ".join(top),
    )


def _reply(words: str) -> str:
    return f'COMPREPLY=($(compgen -W "{words}" -- "$current"))'


def _fish(command: str, commands: dict[str, list[_Option]]) -> Iterator[str]:
    yield f"complete -c {command} -n __fish_use_subcommand -f -a '{' '.join(commands)}'"
    for name, options in commands.items():
        for option in options:
            words = [f"complete -c {command} -n '__fish_seen_subcommand_from {name}'"]
            words += [_fish_name(spelling) for spelling in option.names]
            if option.takes_value:
                words.append("-r")
            if option.values:
                words.append(f"-f -a '{' '.join(option.values)}'")
            yield " ".join([*words, f"-d '{option.help}'"])


def _fish_name(spelling: str) -> str:
    return f"-l {spelling[2:]}" if spelling.startswith("--") else f"-s {spelling[1:]}"
