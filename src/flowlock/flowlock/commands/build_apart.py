"""What a release is made of, built in processes without credentials: packages, and images for registries."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from flowlock.commands.session import Session
from flowlock.edges import process
from flowlock.edges.secret import names_credential
from flowlock.release.targets.protocol import PublishTarget, TargetKind
from flowlock.release.targets.registry import find_images

# Where a folder of artifacts has images, for targets that take them.
IMAGES = "images"


def packages(session: Session, folder: Path) -> Path:
    """Build all packages into a folder, and return it."""
    _run(session, ["build", "--output", folder])
    return folder


def images(
    session: Session, targets: Sequence[PublishTarget], folder: Path, *, source: Path | None
) -> list[Path]:
    """Return the layouts of images for registries: those in `source`, or made now in a folder.

    None where no target takes images.
    """
    if not any(target.kind is TargetKind.IMAGES for target in targets):
        return []
    if source is not None:
        return find_images(source / IMAGES)
    _run(session, ["image", "build", "--output", folder])
    return find_images(folder)


def _run(session: Session, arguments: Sequence[str | Path]) -> None:
    env = {name: value for name, value in os.environ.items() if not names_credential(name)}
    command = [sys.executable, "-m", "flowlock", "-C", str(session.workspace.root)]
    options = ["--profile", str(session.profile)]
    if session.offline:
        options.append("--offline")
    process.run([*command, *options, *arguments], env=env, each_line=session.progress.working)
