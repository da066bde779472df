"""Completion of a workflow's command, tried in a shell."""

import shutil
import subprocess

import pytest

from flowlock_core.command.completion import SHELLS, script
from flowlock_core.command.parser import CommandParser
from shared import require_part


def parser() -> CommandParser:
    made = CommandParser(prog="flowlock-x-workflow")
    commands = made.add_commands()
    run = commands.add_parser("run")
    run.add_argument("--executor", choices=("sequential", "threads"), help="what the user's computer does")
    run.add_argument("--set")
    run.add_argument("-q", "--quiet", action="store_true")
    commands.add_parser("schema")
    commands.add_parser("cache").add_commands().add_parser("clear")
    return made


def completed(*words: str) -> list[str]:
    """Return what bash offers for the last word."""
    text = script("bash", parser(), ["table.path=", "card.width="])
    quoted = " ".join(f"'{word}'" for word in words)
    typed = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}"
    code = f'{text}\n{typed}; _flowlock_x_workflow; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("",), ["run", "schema", "cache", "-h", "--help", "--json"]),
        (("s",), ["schema"]),
        (("cache", "c"), ["clear"]),
        (("run", "--e"), ["--executor"]),
        (("run", "--executor", "t"), ["threads"]),
        (("run", "--quiet", "--set", "c"), ["card.width="]),
        (("schema", "--e"), []),
    ],
)
def test_bash_offers_subcommands_options_and_values(words: tuple[str, ...], expected: list[str]) -> None:
    assert completed("flowlock-x-workflow", *words) == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_that_is_here_reads_its_script(shell: str) -> None:
    program = shutil.which(shell)
    require_part(found=program is not None, part=shell)
    assert program is not None
    text = script(shell, parser(), [])
    done = subprocess.run([program, "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_fish_reads_a_description_with_quotes_as_it_is() -> None:
    program = shutil.which("fish")
    require_part(found=program is not None, part="fish")
    assert program is not None
    offered = f"{script('fish', parser(), [])}\ncomplete -C 'flowlock-x-workflow run --exec'"
    done = subprocess.run([program, "-c", offered], capture_output=True, text=True, check=True)
    assert done.stdout == "--executor\twhat the user's computer does\n"
