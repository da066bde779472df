"""What is current and what is not: a snapshot of the sources against the cache and the channel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from flowlock.builder.plan.cache import Cache, CachedArtifact
from flowlock.builder.plan.identity import Identity, cache_key
from flowlock.builder.plan.reasons import why
from flowlock.builder.plan.result import BuildStatus
from flowlock.builder.plan.snapshot import SourcePackage, WorkspaceSnapshot
from flowlock.builder.plan.targets import BuildTarget
from flowlock.channel import store
from flowlock.conda import platforms
from flowlock.conda.archive import ZSTANDARD_VERSION
from flowlock.workspace import Workspace

ENGINE = "py-rattler-build"


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageState:
    """A package's state before anything is built.

    `surroundings` is what it would be built in: no input of its identity, but a part of its cache key.
    """

    package: SourcePackage
    surroundings: Mapping[str, str]
    cached: CachedArtifact | None
    entered: bool
    reason: str

    @property
    def target(self) -> BuildTarget:
        """The targets to build."""
        return self.package.target

    @property
    def identity(self) -> Identity:
        """The identity of its artifact."""
        return self.package.identity

    @property
    def inputs(self) -> dict[str, Any]:
        """Its inputs and build environment, which the cache records to determine later what changed."""
        return {**self.package.inputs.as_json(), "surroundings": self.surroundings}

    @property
    def status(self) -> BuildStatus:
        """What has to be done."""
        if self.cached is None:
            return BuildStatus.BUILT
        return BuildStatus.CURRENT if self.entered else BuildStatus.CACHED


def cache_of(workspace: Workspace) -> Cache:
    """Return the workspace's artifact cache."""
    return Cache(workspace.state.artifacts)


def steps(
    snapshot: WorkspaceSnapshot,
    cache: Cache,
    *,
    environment: Callable[[str], str | None] = lambda _: None,
) -> dict[str, PackageState]:
    """Return the state of each package of a snapshot.

    `environment` gives the digest of what a package is built in, if that is known.
    """
    machine = _surroundings()
    state = snapshot.workspace.state
    entered = store.whole(state.channel, cache=state.cache)
    judged = {}
    for key, package in snapshot.packages.items():
        target, own = package.target, package.identity
        within = environment(key)
        surroundings = {**machine, "build environment": within} if within else machine
        cached = _cached(cache, own, surroundings)
        now = {**package.inputs.as_json(), "surroundings": surroundings}
        judged[key] = PackageState(
            package=package,
            surroundings=surroundings,
            cached=cached,
            entered=cached is not None and entered.get(own.artifact.path) == cached.artifact.sha256,
            reason="" if cached else why(cache.last(target.name, target.variant), now),
        )
    return judged


def _cached(cache: Cache, own: Identity, surroundings: Mapping[str, str]) -> CachedArtifact | None:
    """Return the artifact of an identity if it was once built in these surroundings."""
    cached = cache.find(own)
    if cached is None or cache_key(own.digest, surroundings=surroundings) not in cached.keys:
        return None
    return cached


def _surroundings() -> dict[str, str]:
    """Return what should not matter to an artifact's bytes, and makes us build again to see that."""
    return {
        "engine": f"{ENGINE} {version(ENGINE)}",
        "compressor": f"zstandard {ZSTANDARD_VERSION}",
        "platform": platforms.current(),
    }
