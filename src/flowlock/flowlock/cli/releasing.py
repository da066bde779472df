"""Commands that prepare, tag, verify and publish releases."""

from pathlib import Path
from typing import Annotated

import typer

from flowlock.cli.command_help import Panel
from flowlock.cli.completers import complete_targets
from flowlock.cli.options import CommandOptions, DryRun, app
from flowlock.errors import UsageError

Tag = Annotated[str, typer.Option("--tag", help="The release's tag, such as v1.2.0.")]
Source = Annotated[
    Path | None, typer.Option("--from", help="A folder of built artifacts, as written by `build --output`.")
]


@app.command(rich_help_panel=Panel.RELEASE)
def release(
    context: typer.Context,
    version: Annotated[
        str | None, typer.Argument(help="A version, or major, minor, patch.", show_default=False)
    ] = None,
    pre: Annotated[bool, typer.Option("--pre", help="Create a release candidate of this version.")] = False,
    tag: Annotated[bool, typer.Option("--tag", help="Verify the merged main branch and tag it.")] = False,
    dry_run: DryRun = False,
) -> int:
    """Prepare a release on this branch; with --tag, tag a merged release."""
    from flowlock.commands import release as prepare
    from flowlock.commands import verify

    options: CommandOptions = context.obj
    if tag:
        return options.emit(verify.tag(options.session(), version))
    if version is None:
        raise UsageError(
            "release needs a version or --tag", code="FL002", hint="for example, `flowlock release minor`"
        )
    return options.emit(prepare.release(options.session(), version, pre=pre, dry_run=dry_run))


@app.command(rich_help_panel=Panel.RELEASE)
def publish(
    context: typer.Context,
    tag: Tag,
    to: Annotated[
        list[str],
        typer.Option(
            "--to", help="A target of flowlock.toml, or a kind of target.", autocompletion=complete_targets
        ),
    ],
    source: Source = None,
    dry_run: DryRun = False,
    skip: Annotated[list[str] | None, typer.Option(help="Skip this stage.")] = None,
) -> int:
    """Publish the packages of a tag; existing files are compared and never overwritten."""
    from flowlock.commands import publish as command

    options: CommandOptions = context.obj
    wanted = command.PublishOptions(tag=tag, to=to, source=source, dry_run=dry_run, skip=skip or [])
    return options.emit(command.publish_tag(options.session(), wanted))


@app.command(rich_help_panel=Panel.RELEASE)
def verify(
    context: typer.Context,
    tag: Tag,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to", help="A target that already serves the release.", autocompletion=complete_targets
        ),
    ] = None,
    source: Source = None,
) -> int:
    """Compare a tag with recipes, pyprojects, locks, built files and the files that targets serve."""
    from flowlock.commands import publish as command

    options: CommandOptions = context.obj
    return options.emit(command.verify_tag(options.session(), tag, to=to or [], source=source))


@app.command(rich_help_panel=Panel.LOOK_AFTER)
def status(
    context: typer.Context,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            help="A target whose files are compared with the locks.",
            autocompletion=complete_targets,
        ),
    ] = None,
) -> int:
    """Show the version and build of each package in the source, channel, locks and targets."""
    from flowlock.commands import status as states

    options: CommandOptions = context.obj
    return options.emit(states.status(options.session(), to or ()))
