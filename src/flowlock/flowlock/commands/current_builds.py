"""What the workspace's sources make now, for locks that pin its packages."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from flowlock.builder.plan.cache import Cache
from flowlock.builder.plan.reasons import why
from flowlock.builder.plan.snapshot import SourcePackage, WorkspaceSnapshot
from flowlock.builder.plan.stale import cache_of
from flowlock.commands.session import Session
from flowlock.edges import files
from flowlock.lock.result import LockTarget
from flowlock.lock.satisfy import CurrentBuild


def current_builds(session: Session, snapshot: WorkspaceSnapshot) -> dict[str, CurrentBuild]:
    """Return each package's current build by the package's name, with the bytes of what is built."""
    cache = cache_of(session.workspace)
    builds: dict[str, list[str]] = {}
    for package in snapshot.packages.values():
        builds.setdefault(package.artifact.name, []).append(package.artifact.build)
    current = {}
    for key, package in snapshot.packages.items():
        cached = cache.find(package.identity)
        others = [build for build in builds[package.artifact.name] if build != package.artifact.build]
        artifact = cached.artifact if cached else package.artifact
        current[key] = CurrentBuild(artifact=artifact, variants=tuple(others))
    return current


def explained(
    session: Session,
    builds: Mapping[str, CurrentBuild],
    snapshot: WorkspaceSnapshot,
    wanted: Sequence[LockTarget],
) -> dict[str, CurrentBuild]:
    """Return the builds with what changed since the ones that the locks pin, if that is known."""
    cache = cache_of(session.workspace)
    texts = [files.read_text(target.path, target.shown) for target in wanted if target.path.is_file()]
    return {
        key: replace(build, why=_why(cache, snapshot.packages[key], texts)) for key, build in builds.items()
    }


def _why(cache: Cache, package: SourcePackage, locks: Sequence[str]) -> str:
    """Return what differs from the inputs of the first pin that is of another build."""
    own = package.artifact
    pin = re.compile(rf"/({re.escape(own.name)}-[^/-]+-[^/-]+)\.conda$", re.MULTILINE)
    pinned = {match[1] for text in locks for match in pin.finditer(text)} - {own.stem}
    made_from = [inputs for stem in sorted(pinned) if (inputs := cache.inputs(stem)) is not None]
    return why(made_from[0], {**package.inputs.as_json(), "surroundings": {}}) if made_from else ""
