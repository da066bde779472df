"""Commands that make and push images."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowlock.cli.command_help import GroupedCommands, Panel
from flowlock.cli.completers import complete_platforms, complete_workflows
from flowlock.cli.options import CommandOptions, Frozen, Locked, Workflows, app, trusts, with_options

if TYPE_CHECKING:
    from flowlock.commands.image import ImageOptions

image = typer.Typer(
    cls=GroupedCommands, help="OCI images of workflows, made from their locks.", no_args_is_help=True
)
app.add_typer(image, name="image", rich_help_panel=Panel.RELEASE)

Platforms = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--platform",
        help="A platform of the image; default: that of this machine.",
        autocompletion=complete_platforms,
    ),
]
Base = Annotated[
    str | None,
    typer.Option(metavar="IMAGE@DIGEST", help="The base image; default: [image] base of flowlock.toml."),
]

NoBytecode = Annotated[
    bool, typer.Option("--no-bytecode", help="Leave the bytecode out: smaller, and slower to start.")
]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageArguments:
    """What an image is made of."""

    platform: Platforms = None
    base: Base = None
    no_bytecode: NoBytecode = False
    locked: Locked = False
    frozen: Frozen = False

    def settings(self, *, output: Path | None = None) -> "ImageOptions":
        """Return them as the command takes them, with the folder that images are written to."""
        from flowlock.commands.image import ImageOptions

        return ImageOptions(
            output=output,
            platforms=tuple(self.platform or ()),
            base=self.base,
            bytecode=not self.no_bytecode,
            frozen=trusts(locked=self.locked, frozen=self.frozen),
        )


@image.command(name="build")
@with_options
def image_build(
    context: typer.Context,
    chosen: ImageArguments,
    workflows: Workflows = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the images to folders in this one; default: .flowlock/images.")
    ] = None,
) -> int:
    """Make OCI images of workflows from their locks, without a daemon."""
    from flowlock.commands import image as images

    options: CommandOptions = context.obj
    settings = chosen.settings(output=output)
    return options.emit(images.build_images(options.session(), workflows or [], settings))


@image.command(name="push")
@with_options
def image_push(
    context: typer.Context,
    to: Annotated[
        str, typer.Option("--to", metavar="REGISTRY/REPOSITORY", help="Where the image is pushed.")
    ],
    chosen: ImageArguments,
    workflow: Annotated[
        str | None,
        typer.Argument(help="The workflow; default: the only one.", autocompletion=complete_workflows),
    ] = None,
    tag: Annotated[
        str | None, typer.Option(help="The release's version or the commit (the default); never `latest`.")
    ] = None,
) -> int:
    """Push the image of a workflow to a registry; tags are never moved."""
    from flowlock.commands import image_push as command

    options: CommandOptions = context.obj
    pushed = command.push_image(options.session(), workflow, chosen.settings(), to=to, tag=tag)
    return options.emit(pushed)
