"""What is current and what is not: sources and recipes against the cache and the channel."""

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flowlock.builder.plan.cache import Cache, Cached
from flowlock.builder.plan.identity import Identity, Inputs, cache_key, identity
from flowlock.builder.plan.order import built_with, graph_of, order
from flowlock.builder.plan.reasons import why
from flowlock.builder.plan.result import Status
from flowlock.builder.plan.targets import Target, targets
from flowlock.channel import store
from flowlock.conda import platforms
from flowlock.conda.archive import ZSTANDARD_VERSION
from flowlock.edges.sources import Sources, snapshots
from flowlock.errors import FlowlockError
from flowlock.workspace import Workspace

ENGINE = "py-rattler-build"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A package's state before anything is built."""

    target: Target
    sources: Sources
    patches: Sources | None
    inputs: Mapping[str, Any]
    identity: Identity
    cached: Cached | None
    entered: bool
    reason: str

    @property
    def status(self) -> Status:
        """What has to be done."""
        if self.cached is None:
            return Status.BUILT
        return Status.CURRENT if self.entered else Status.CACHED


def cache_of(workspace: Workspace) -> Cache:
    """Return the workspace's artifact cache."""
    return Cache(workspace.state.artifacts)


def identities(workspace: Workspace) -> dict[str, Identity]:
    """Return the identity that each package's sources give it now, without building.

    A native package with variants has one entry for each; its own name is the first one's.
    """
    known = targets(workspace)
    return {key: step.identity for key, step in steps(workspace, known, cache_of(workspace)).items()}


def steps(
    workspace: Workspace,
    known: Mapping[str, Target],
    cache: Cache,
    *,
    environment: Callable[[str], str | None] = lambda _: None,
) -> dict[str, Step]:
    """Return the state of each target; contents on disk decide, stat data only spare reading them.

    `known` holds what its members need, too. `environment` gives the digest of what a package is built in, if
    that is known.
    """
    found = _snapshots(workspace, known.values())
    machine = _surroundings()
    entered = store.whole(workspace.state.channel, cache=workspace.state.cache)
    graph = graph_of({key: target.recipe for key, target in known.items()})
    names = {key: target.name for key, target in known.items()}
    digests: dict[str, str] = {}
    judged = {}
    for name in order(graph):
        target = known[name]
        patches = _patches(target, found[target.patches]) if target.patches else None
        inputs = Inputs(
            recipe=target.recipe,
            sources=_as_input(found[target.folder]),
            patches=_as_input(patches) if patches else {},
            epoch=target.epoch,
            pins=target.pins,
            variant=target.variant,
            needs={key: digests[key] for key in sorted(built_with(target.recipe, graph, names))},
        )
        own = identity(inputs, subdir=machine["platform"])
        digests[name] = own.digest
        within = environment(name)
        surroundings = {**machine, "build environment": within} if within else machine
        cached = _cached(cache, own, surroundings)
        now = {**inputs.as_json(), "surroundings": surroundings}
        last = cache.last(target.name, target.variant)
        judged[name] = Step(
            target=target,
            sources=found[target.folder],
            patches=patches,
            inputs=now,
            identity=own,
            cached=cached,
            entered=cached is not None and entered.get(f"{own.subdir}/{own.file}") == cached.sha256,
            reason="" if cached else why(last, now),
        )
    return {name: judged[name] for name in known}


def _snapshots(workspace: Workspace, known: Iterable[Target]) -> dict[Path, Sources]:
    """Return the sources of targets by folder, and what is beside recipes that have patches."""
    folders: dict[Path, tuple[str, ...]] = {}
    for target in known:
        folders[target.folder] = target.excludes
        if target.patches:
            folders[target.patches] = ()
    return snapshots(workspace.root, folders, cache_file=workspace.state.source_digests)


def _cached(cache: Cache, own: Identity, surroundings: Mapping[str, str]) -> Cached | None:
    """Return the artifact of an identity if it was once built in these surroundings."""
    cached = cache.find(own)
    if cached is None or cache_key(own.digest, surroundings=surroundings) not in cached.keys:
        return None
    return cached


def _as_input(sources: Sources) -> dict[str, str]:
    return {path: f"{file.kind} {file.sha256}" for path, file in sources.files.items()}


def _patches(target: Target, beside: Sources) -> Sources:
    """Return the patches of a recipe, of all that is beside it."""
    names = [posixpath.normpath(name) for name in target.recipe.patches]
    for name in names:
        if name not in beside.files:
            raise FlowlockError(
                f"git does not list the patch `{name}` of {target.name}",
                code="FL327",
                hint="take it out of .gitignore, or out of the recipe's `patches`",
            )
    return replace(beside, files={name: beside.files[name] for name in names})


def _surroundings() -> dict[str, str]:
    """Return what should not matter to an artifact's bytes, and makes us build again to see that."""
    return {
        "engine": f"{ENGINE} {version(ENGINE)}",
        "compressor": f"zstandard {ZSTANDARD_VERSION}",
        "platform": platforms.current(),
    }
