"""Commands that deploy an image, and see whether the platform runs it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowlock.cli.command_help import GroupedCommands, Panel
from flowlock.cli.options import CommandOptions, app, with_options

if TYPE_CHECKING:
    from flowlock.commands.deployment import DeployOptions

UPDATE = "update"


class DeployCommands(GroupedCommands):
    """Takes `deploy NAME` for `deploy update NAME`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command in front, unless one is named."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = [UPDATE, *args]
        return super().parse_args(ctx, args)


deploying = typer.Typer(
    cls=DeployCommands,
    help="The tag of an image in a manifest, and whether Dagster runs it.",
    no_args_is_help=True,
)
app.add_typer(deploying, name="deploy", rich_help_panel=Panel.RELEASE)

Name = Annotated[
    str | None, typer.Argument(help="The location or workflow; default: the only one of flowlock.toml.")
]
Image = Annotated[
    str | None, typer.Option(metavar="REPOSITORY", help="The repository of the image, without a tag.")
]
Values = Annotated[
    Path | None,
    typer.Option("--values", "--file", help="The values of a chart, a kustomization or a manifest."),
]
Key = Annotated[str | None, typer.Option(help="The key of the tag, if the file names the image twice.")]
Branch = Annotated[
    str | None, typer.Option(help="The branch that is deployed; default: the main branch of the remote.")
]
Direct = Annotated[bool, typer.Option("--direct", help="Commit on that branch, without a pull request.")]
DiffOnly = Annotated[bool, typer.Option("--dry-run", help="Show the diff, and change nothing.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestArguments:
    """Which tag of which file is meant."""

    name: Name = None
    image: Image = None
    file: Values = None
    key: Key = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitArguments(ManifestArguments):
    """Likewise, and how the change is committed."""

    branch: Branch = None
    direct: Direct = False
    dry_run: DiffOnly = False


@deploying.command(name=UPDATE)
@with_options
def deploy_update(
    context: typer.Context,
    tag: Annotated[str, typer.Option(help="The tag that was pushed: a version or a commit.")],
    chosen: CommitArguments,
) -> int:
    """Write a tag into a manifest, push the commit, and open a pull request; `deploy NAME` does the same."""
    from flowlock.commands.deploy import deploy

    options: CommandOptions = context.obj
    session, wanted = options.session(), _options(chosen, chosen.branch)
    return options.emit(deploy(session, wanted, tag=tag, direct=chosen.direct, dry_run=chosen.dry_run))


@deploying.command(name="rollback")
@with_options
def deploy_rollback(context: typer.Context, chosen: CommitArguments) -> int:
    """Restore the last good tag, as the history of the manifest has it."""
    from flowlock.commands.deploy import rollback

    options: CommandOptions = context.obj
    session, wanted = options.session(), _options(chosen, chosen.branch)
    return options.emit(rollback(session, wanted, direct=chosen.direct, dry_run=chosen.dry_run))


def _options(chosen: ManifestArguments, branch: str | None = None) -> "DeployOptions":
    from flowlock.commands.deployment import DeployOptions

    return DeployOptions(
        name=chosen.name, image=chosen.image, file=chosen.file, key=chosen.key, branch=branch
    )


Url = Annotated[str | None, typer.Option(help="The address of Dagster; default: `url` of flowlock.toml.")]


@deploying.command(name="verify")
@with_options
def deploy_verify(
    context: typer.Context,
    chosen: ManifestArguments,
    url: Url = None,
    tag: Annotated[
        str | None, typer.Option(help="The tag that is expected; default: that of the manifest here.")
    ] = None,
    job: Annotated[str | None, typer.Option(help="The job that runs on a slice of the data.")] = None,
    params: Annotated[Path | None, typer.Option(help="The parameters file of that run.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="How long that run may take; default: 120.")
    ] = None,
    removed: Annotated[
        list[str] | None, typer.Option(help="A workflow that is gone, while its logs are still there.")
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, max=86_400, help="The seconds that the rollout may take.")
    ] = 0,
    junit: Annotated[Path | None, typer.Option(help="Write the checks to this JUnit file, too.")] = None,
) -> int:
    """Ask Dagster whether it runs what was deployed; fail with the reason if it does not."""
    from flowlock.commands.deploy_verify import VerifyOptions, verify_deployment

    wanted = VerifyOptions(
        url=url,
        tag=tag,
        job=job,
        params=params,
        seconds=seconds,
        removed=tuple(removed or ()),
        wait=wait,
        junit=junit,
    )
    options: CommandOptions = context.obj
    return options.emit(verify_deployment(options.session(), _options(chosen), wanted))


@deploying.command(name="reload")
def deploy_reload(context: typer.Context, name: Name = None, url: Url = None) -> int:
    """Let Dagster load the location again, and show the error that it meets."""
    from flowlock.commands.deploy_verify import reload_location

    options: CommandOptions = context.obj
    return options.emit(reload_location(options.session(), name, url))
