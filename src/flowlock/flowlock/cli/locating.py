"""Commands about the code location of Dagster."""

from pathlib import Path
from typing import Annotated

import typer

from flowlock.cli.command_help import GroupedCommands, Panel
from flowlock.cli.options import CommandOptions, Frozen, Locked, app, trusts

location = typer.Typer(
    cls=GroupedCommands,
    help="The code location of Dagster that flowlock.toml declares.",
    no_args_is_help=True,
)
app.add_typer(location, name="location", rich_help_panel=Panel.RUN)

Interpreter = Annotated[
    Path | None,
    typer.Option(
        "--python",
        help="An interpreter that has flowlock-dagster and what the location requires, instead of the "
        "environment of the location's lock.",
    ),
]


@location.command(name="check")
def location_check(
    context: typer.Context, python: Interpreter = None, locked: Locked = False, frozen: Frozen = False
) -> int:
    """Load the definitions as Dagster does, and check the parameters of schedules."""
    from flowlock.commands.location import check_location

    options: CommandOptions = context.obj
    trusted = trusts(locked=locked, frozen=frozen)
    return options.emit(check_location(options.session(), python, frozen=trusted))


@location.command(name="dev")
def location_dev(
    context: typer.Context,
    python: Interpreter = None,
    port: Annotated[int | None, typer.Option(help="The port of the web server; default: 3000.")] = None,
    locked: Locked = False,
    frozen: Frozen = False,
) -> int:
    """Serve the location with Dagster's development server, until you interrupt it."""
    from flowlock.commands.location import serve_location

    options: CommandOptions = context.obj
    trusted = trusts(locked=locked, frozen=frozen)
    return serve_location(options.session(), python, port=port, frozen=trusted)


@location.command(name="update-requirement")
def location_update_requirement(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="A package under [location.sources]; all of them by default.")
    ] = None,
) -> int:
    """Write down the commits that tags and branches of other repositories have now."""
    from flowlock.commands.location_sources import update_sources

    options: CommandOptions = context.obj
    return options.emit(update_sources(options.session(), name))
