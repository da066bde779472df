"""Commands over packages, channel and locks."""

from pathlib import Path
from typing import Annotated

import typer

from flowlock.cli.command_help import GroupedCommands, Panel
from flowlock.cli.completers import (
    complete_environments,
    complete_packages,
    complete_platforms,
    complete_workflows,
)
from flowlock.cli.options import Check, CommandOptions, DryRun, Jobs, Packages, Workflows, app
from flowlock.errors import UsageError
from flowlock.lock.lockfile.forms import DiffForm, ExportKind


@app.command(rich_help_panel=Panel.BUILD)
def base(context: typer.Context, workflows: Workflows = None) -> int:
    """Create the embedded base channel: the running Python and wheels as conda packages."""
    from flowlock.commands import base as command

    options: CommandOptions = context.obj
    return options.emit(command.base(options.session().about(workflows or ())))


@app.command(rich_help_panel=Panel.BUILD)
def build(
    context: typer.Context,
    packages: Packages = None,
    dry_run: DryRun = False,
    jobs: Jobs = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Build again from scratch in another folder, and compare.")
    ] = False,
    no_tests: Annotated[
        bool, typer.Option("--no-tests", help="Do not run the tests of the recipes.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Also write the channel, artifacts and digests to this folder.")
    ] = None,
) -> int:
    """Build the packages that are out of date into the local channel, and print why."""
    from flowlock.commands import build as command

    options: CommandOptions = context.obj
    result = command.build(
        options.session(),
        packages or [],
        jobs=jobs,
        dry_run=dry_run,
        verify=verify,
        test=not no_tests,
        output=output,
    )
    return options.emit(result)


Repodata = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[CHANNEL=]DIR", help="A folder with the metadata of a channel; repeat for each channel."
    ),
]

LockedEnvironments = Annotated[
    list[str] | None,
    typer.Option("-e", help="Only lock this environment.", autocompletion=complete_environments),
]
LockedPlatforms = Annotated[
    list[str] | None,
    typer.Option("-p", help="Only lock this platform.", autocompletion=complete_platforms),
]


@app.command(rich_help_panel=Panel.BUILD)
def lock(
    context: typer.Context,
    workflows: Workflows = None,
    check: Check = False,
    dry_run: DryRun = False,
    build: Annotated[
        bool, typer.Option("--build", help="Lock the build tools instead of the workflows.")
    ] = False,
    manifest_path: Annotated[
        Path | None, typer.Option("--manifest-path", help="Lock this pixi.toml instead of the workflows.")
    ] = None,
    environment: LockedEnvironments = None,
    platform: LockedPlatforms = None,
    update: Annotated[list[str] | None, typer.Option(help="Allow this package to be updated.")] = None,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Allow every package to be updated.")] = False,
    upgrade_format: Annotated[
        bool,
        typer.Option("--upgrade-format", help="Write old locks in the current format; keep all pins."),
    ] = False,
    repodata: Repodata = None,
) -> int:
    """Lock the workflows against the local channel; with --check, print why a lock is out of date."""
    from flowlock.commands import lock as command
    from flowlock.lock.result import LockOptions

    options: CommandOptions = context.obj
    settings = LockOptions(
        environments=tuple(environment or ()),
        platforms=tuple(platform or ()),
        check=check,
        dry_run=dry_run,
        update=tuple(update or ()),
        upgrade=upgrade,
        upgrade_format=upgrade_format,
        repodata=tuple(repodata or ()),
    )
    if upgrade_format:
        _refuse_with_upgrade_format(build, update, upgrade)
    if build:
        if workflows or manifest_path:
            raise UsageError("--build cannot be combined with workflows or a manifest", code="FL002")
        from flowlock.commands import build_lock as locking

        return options.emit(locking.lock(options.session(), settings))
    result = command.lock(options.session(), workflows or [], settings, manifest_path=manifest_path)
    return options.emit(result)


def _refuse_with_upgrade_format(*moves_pins: object) -> None:
    if any(moves_pins):
        message = (
            "--upgrade-format does not change pins and cannot be combined with --build, --update or --upgrade"
        )
        raise UsageError(message, code="FL002")


@app.command(rich_help_panel=Panel.BUILD)
def diff(
    context: typer.Context,
    revision: Annotated[str, typer.Argument(help="The git revision to compare with.")] = "HEAD",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown for a pull request.")] = False,
) -> int:
    """Show what changed in the locks since a revision."""
    from flowlock.commands import diff as compare

    options: CommandOptions = context.obj
    form = DiffForm.MARKDOWN if markdown else DiffForm.TEXT
    return options.emit(compare.since(options.workspace().root, revision, form=form), verbatim=markdown)


@app.command(rich_help_panel=Panel.BUILD)
def export(
    context: typer.Context,
    kind: Annotated[ExportKind, typer.Argument(help="The format to export.")],
    workflow: Annotated[
        str | None,
        typer.Argument(
            help="The workflow whose lock is exported; not for pixi-mirror.",
            autocompletion=complete_workflows,
        ),
    ] = None,
    environment: Annotated[
        str, typer.Option("-e", help="The environment of the lock.", autocompletion=complete_environments)
    ] = "default",
    platform: Annotated[
        str | None,
        typer.Option(
            "-p",
            help="The platform; default: the platform of this machine.",
            autocompletion=complete_platforms,
        ),
    ] = None,
    url: Annotated[
        str, typer.Option(help="For pixi-mirror: the address of `flowlock channel serve`.")
    ] = "http://127.0.0.1:8000",
    mirror: Annotated[
        list[str] | None,
        typer.Option(metavar="CHANNEL=URL", help="Use another address for a channel; repeatable."),
    ] = None,
) -> int:
    """Print a lock as a conda explicit file or environment.yml, or the mirror setting for pixi."""
    from flowlock.commands import lock as command

    options: CommandOptions = context.obj
    session = options.session()
    if kind is ExportKind.MIRROR:
        return options.emit(command.export_mirror(session, url), verbatim=True)
    if workflow is None:
        raise UsageError(
            f"{kind} needs the name of a workflow", code="FL002", hint="see `flowlock export --help`"
        )
    mirrors = dict(_mirror(text) for text in mirror or ())
    exported = command.export(
        session, workflow, kind, environment=environment, platform=platform, mirrors=mirrors
    )
    return options.emit(exported, verbatim=True)


def _mirror(text: str) -> tuple[str, str]:
    """Take `CHANNEL=URL` apart at the last `=` before an address, since a channel's URL may have one."""
    channel, _, url = text.rpartition("=")
    if not channel or "://" not in url:
        hint = "write it as --mirror https://prefix.dev/flowlock=http://127.0.0.1:8000"
        raise UsageError(f"`{text}` is not CHANNEL=URL", code="FL002", hint=hint)
    return channel, url


@app.command(rich_help_panel=Panel.BUILD)
def sync(
    context: typer.Context,
    workflows: Workflows = None,
    check: Check = False,
    dry_run: DryRun = False,
    jobs: Jobs = None,
) -> int:
    """Compile, build and lock everything that is out of date."""
    from flowlock.commands import sync as pipeline

    options: CommandOptions = context.obj
    session = options.session().about(workflows or ())
    return options.emit(pipeline.sync(session, check=check, dry_run=dry_run, jobs=jobs))


@app.command(name="update-requirement", rich_help_panel=Panel.BUILD)
def update_requirement(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of a package.", autocompletion=complete_packages)],
    version: Annotated[str, typer.Argument(help="A version, or a whole constraint.")],
    dry_run: DryRun = False,
) -> int:
    """Change the required version of a package in all specs, recipes and manifests, then sync."""
    from flowlock.commands import update_requirement as updates

    options: CommandOptions = context.obj
    return options.emit(updates.update_requirement(options.session(), name, version, dry_run=dry_run))


channel = typer.Typer(
    cls=GroupedCommands,
    help="The local channel, which replaces the release channel during development.",
    no_args_is_help=True,
)
app.add_typer(channel, name="channel", rich_help_panel=Panel.BUILD)


@channel.command(name="ls")
def channel_ls(context: typer.Context) -> int:
    """List the packages in the local channel."""
    from flowlock.commands import channel as local

    options: CommandOptions = context.obj
    return options.emit(local.ls(options.session().channel))


@channel.command(name="serve")
def channel_serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 selects a free one.")] = 8000,
) -> None:
    """Serve the local channel on this machine until interrupted."""
    from flowlock.channel import serve as server

    options: CommandOptions = context.obj
    server.serve(options.session().channel, port=port, progress=options.progress())


cache = typer.Typer(
    cls=GroupedCommands, help="Cached data; flowlock can rebuild all of it.", no_args_is_help=True
)
app.add_typer(cache, name="cache", rich_help_panel=Panel.LOOK_AFTER)


@cache.command(name="ls")
def cache_ls(context: typer.Context) -> int:
    """List the contents of the cache, and what needs them."""
    from flowlock.commands import cache as caches

    options: CommandOptions = context.obj
    return options.emit(caches.ls(options.session()))


@cache.command(name="gc")
def cache_gc(context: typer.Context, dry_run: DryRun = False) -> int:
    """Remove what neither a lock nor a current build needs, and print the freed space."""
    from flowlock.commands import cache as caches

    options: CommandOptions = context.obj
    return options.emit(caches.gc(options.session(), dry_run=dry_run))
