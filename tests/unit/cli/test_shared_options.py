"""Options that several commands share as one dataclass."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from flowlock.cli.options import with_options

Size = Annotated[int, typer.Option("--size", "-s", help="The size.")]
Name = Annotated[str, typer.Argument(help="The name.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    name: Name
    size: Size = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class More(Shared):
    fast: Annotated[bool, typer.Option("--fast")] = False


app = typer.Typer()


@app.command()
@with_options
def plain(chosen: Shared, last: Annotated[str, typer.Option()] = "z") -> int:
    """Print what was chosen."""
    typer.echo(f"{chosen} {last}")
    return 0


@app.command()
@with_options
def more(context: typer.Context, must: Annotated[str, typer.Option()], chosen: More) -> int:
    """Print more."""
    typer.echo(f"{context.info_name} {must} {chosen}")
    return 0


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["plain", "a"], "Shared(name='a', size=7) z"),
        (["plain", "-s", "2", "a", "--last", "y"], "Shared(name='a', size=2) y"),
        (["more", "--must", "x", "b", "--fast"], "more x More(name='b', size=7, fast=True)"),
    ],
)
def test_a_command_gets_the_options_that_it_shares_as_one_value(arguments: list[str], output: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.output.strip()) == (0, output)


@pytest.mark.parametrize(
    "arguments", [["plain"], ["more", "b"], ["plain", "a", "--fast"], ["plain", "a", "-s", "x"]]
)
def test_shared_options_are_parsed_as_any_others(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_the_help_of_a_command_has_the_options_that_it_shares() -> None:
    shown = CliRunner().invoke(app, ["more", "--help"]).output
    assert all(text in shown for text in ("--size", "The size.", "--fast", "--must", "Print more."))
