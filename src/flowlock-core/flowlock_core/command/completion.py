"""The completion of a workflow's command line, as bash, zsh and fish evaluate it."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from string import Template

from flowlock_core.command.parser import CommandParser

SHELLS = ("bash", "zsh", "fish")
_SET = "--set"
_BASH = Template("""\
_$function() {
    local current="$${COMP_WORDS[COMP_CWORD]}" previous="$${COMP_WORDS[COMP_CWORD-1]}" command="" word
    for word in "$${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$$word" in
            $commands) command="$$word"; break ;;
        esac
    done
    case "$$command $$previous" in
$values
    esac
    case "$$command" in
$options
        *) COMPREPLY=($$(compgen -W "$top" -- "$$current")) ;;
    esac
}
complete -o default -F _$function $prog
""")
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


def script(shell: str, parser: CommandParser, settings: Sequence[str]) -> str:
    """Return the completion for one of SHELLS; `settings` are what the values of `--set` begin with."""
    match shell:
        case "fish":
            return "".join(f"{line}\n" for line in _fish(parser, settings))
        case "zsh":
            return _ZSH + _bash(parser, settings)
        case _:
            return _bash(parser, settings)


def _bash(parser: CommandParser, settings: Sequence[str]) -> str:
    values, options = [], []
    for name, command in parser.commands.items():
        for option in command.options:
            words = _values(option, settings)
            if words:
                patterns = "|".join(f'"{name} {spelling}"' for spelling in option.option_strings)
                values.append(f"        {patterns}) {_reply(words)}; return ;;")
        options.append(f"        {name}) {_reply(_words(command))} ;;")
    return _BASH.substitute(
        prog=parser.prog,
        function=parser.prog.replace("-", "_"),
        commands="|".join(parser.commands),
        values="\n".join(values),
        options="\n".join(options),
        top=" ".join(_words(parser)),
    )


def _words(parser: CommandParser) -> list[str]:
    """Return the subcommands and options that may follow a command."""
    return [*parser.commands, *(spelling for option in parser.options for spelling in option.option_strings)]


def _values(option: argparse.Action, settings: Sequence[str]) -> Sequence[str]:
    """Return the values that an option may have, as far as they are known."""
    if _SET in option.option_strings:
        return settings
    return [str(choice) for choice in option.choices or ()]


def _reply(words: Iterable[str]) -> str:
    return f'COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$current"))'


def _fish(parser: CommandParser, settings: Sequence[str]) -> Iterator[str]:
    yield f"complete -c {parser.prog} -n __fish_use_subcommand -f -a '{' '.join(parser.commands)}'"
    for name, command in parser.commands.items():
        start = f"complete -c {parser.prog} -n '__fish_seen_subcommand_from {name}'"
        if command.commands:
            yield f"{start} -f -a '{' '.join(command.commands)}'"
        for option in command.options:
            yield f"{start} {_fish_option(option, settings)}"


def _fish_option(option: argparse.Action, settings: Sequence[str]) -> str:
    spellings = option.option_strings
    words = [f"-l {text[2:]}" if text.startswith("--") else f"-s {text[1:]}" for text in spellings]
    if option.nargs != 0:
        words.append("-r")
    values = _values(option, settings)
    if values:
        words.append(f"-f -a '{' '.join(values)}'")
    # Within single quotes fish takes everything literally but quotes and backslashes.
    description = (option.help or "").replace("\\", "\\\\").replace("'", "\\'")
    return " ".join([*words, f"-d '{description}'"])
