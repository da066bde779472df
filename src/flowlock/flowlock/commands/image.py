"""`flowlock image build`: the images of workflows from their locks, as OCI layouts."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flowlock.commands.location import check_location
from flowlock.commands.locked_environment import checked_lock
from flowlock.commands.session import Profile, Session
from flowlock.compile.location import serving
from flowlock.conda import platforms
from flowlock.edges import git
from flowlock.edges.registry import ImageRepository
from flowlock.edges.registry_login import login
from flowlock.errors import FlowlockError, UsageError
from flowlock.image import base, build
from flowlock.image.attachments import Origin
from flowlock.image.layers import LayerCache
from flowlock.image.source import public_address
from flowlock.names import Platform
from flowlock.workspace import DagsterLocation, GeneratedPackage, Workflow, Workspace

ENVIRONMENT = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageOptions:
    """The options of `flowlock image build`; `output` has a folder for each workflow's package."""

    output: Path | None = None
    platforms: Sequence[str] = ()
    base: str | None = None
    bytecode: bool = True
    frozen: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageOutcome:
    """An image that is there now: `built`, or `current` if all its layers were."""

    workflow: str
    image: build.BuiltImage

    @property
    def status(self) -> str:
        """Whether a layer had to be made."""
        return "built" if self.image.made else "current"

    def as_json(self) -> Mapping[str, Any]:
        """Return {"name", "digest", "layers", "size", "layout", "status", "seconds"}; size in bytes."""
        return {
            "name": self.workflow,
            "digest": self.image.layout.image.digest,
            "layers": self.image.layers,
            "size": self.image.size,
            "layout": str(self.image.layout.folder),
            "status": self.status,
            "seconds": round(self.image.seconds, 3),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagesResult:
    """The images of some workflows."""

    images: tuple[ImageOutcome, ...]

    @property
    def ok(self) -> bool:
        """An image that could not be made is an error, so this is always true."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"images": [{name, digest, layers, size, layout, status, seconds}]}."""
        return {"images": [image.as_json() for image in self.images]}

    def as_text(self) -> str:
        """Return a line for each image."""
        return "\n".join(
            f"{image.workflow}: {image.image.layout.image.digest}, {image.image.size / 1e6:.1f} MB, "
            f"{image.image.layers} layers, {image.image.layout.folder}"
            for image in self.images
        )


def build_images(session: Session, names: Sequence[str], options: ImageOptions) -> ImagesResult:
    """Make the images of workflows and of the location; of all that have a lock, if none is named."""
    origin_of = _origins(session.workspace)
    wanted = _wanted(session, names)
    images = tuple(_build(session, generated, origin_of(generated), options) for generated in wanted)
    return ImagesResult(images=images)


def _wanted(session: Session, names: Sequence[str]) -> list[GeneratedPackage]:
    workspace = session.workspace
    if names:
        return [workspace.generated_named(name) for name in names]
    return [one for one in workspace.generated if not workspace.unlocked_reason(one)]


def _build(
    session: Session, generated: GeneratedPackage, origin: Origin, options: ImageOptions
) -> ImageOutcome:
    lock_file = checked_lock(session, generated, ENVIRONMENT, frozen=options.frozen)
    wanted = _platforms(options.platforms)
    if isinstance(generated, DagsterLocation) and platforms.current() in wanted:
        # Definitions that cannot be loaded take all jobs of the location away where they are deployed.
        check_location(session, None, frozen=True)
    state = session.workspace.state
    cache = LayerCache(folder=state.image_layers)
    request = build.ImageRequest(
        lock_file=lock_file,
        environment=ENVIRONMENT,
        platforms=wanted,
        own_channel=session.workspace.release_channel,
        origin=origin,
        folders=session.environments(session.profile, generated.name, ENVIRONMENT),
        cache=cache,
        base=_base(session, options.base, cache),
        bytecode=options.bytecode,
    )
    folder = options.output / generated.distribution if options.output else state.image(generated.name)
    with session.exclusive(), session.progress.stage("image") as stage:
        built = build.build(request, folder.resolve(), session.progress)
        outcome = ImageOutcome(workflow=generated.name, image=built)
        stage.status = outcome.status
        stage.detail = f"{generated.name}: {session.workspace.relative(folder)}"
    return outcome


def _command(generated: GeneratedPackage) -> tuple[str, ...]:
    """Return what the image runs unless it gets arguments, as the generated Dockerfile has it."""
    if isinstance(generated, Workflow):
        return (generated.distribution, "--help")
    return tuple(serving(generated.module))


def _platforms(names: Sequence[str]) -> tuple[Platform, ...]:
    try:
        return tuple(dict.fromkeys(map(Platform, names))) or (platforms.current(),)
    except ValueError as error:
        raise UsageError(str(error), code="FL002", hint="name linux-64 or linux-aarch64") from error


def _base(
    session: Session, named: str | None, cache: LayerCache
) -> Callable[[Platform], base.BaseImage] | None:
    """Return where the base image of a platform comes from, None for the libraries of this machine."""
    text = named or session.workspace.image_base
    if not text and session.profile is Profile.EMBEDDED:
        return None
    if not text:
        raise FlowlockError(
            "no base image is named",
            code="FL901",
            hint="set `base` under [image] in flowlock.toml, or --base, to an image that has glibc, with its "
            "digest: gcr.io/distroless/base-debian12@sha256:…",
        )
    name = base.parsed(text)
    repository = ImageRepository(name, login(name.host, os.environ, variables=False), offline=session.offline)
    return partial(base.fetch, repository, cache=cache)


def _origins(workspace: Workspace) -> Callable[[GeneratedPackage], Origin]:
    """Return what states the origin of images; a changed tree has no revision."""
    revision = git.clean_commit(workspace.root)
    source = workspace.image_source or public_address(git.remote_url(workspace.root))

    def origin(generated: GeneratedPackage) -> Origin:
        return Origin(
            name=str(generated.distribution),
            command=_command(generated),
            version=workspace.version,
            epoch=workspace.epoch,
            lock="",
            base={},
            source=source,
            revision=revision,
        )

    return origin
