"""What a workspace can build, read once by a command and handed to its stages."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flowlock.builder.plan.identity import Identity, Inputs, identity
from flowlock.builder.plan.order import built_with, graph_of, order
from flowlock.builder.plan.targets import BuildTarget, keys_of, targets
from flowlock.conda import platforms
from flowlock.conda.artifact import Artifact
from flowlock.conda.closure import closure
from flowlock.edges.sources import Sources, snapshots
from flowlock.errors import FlowlockError
from flowlock.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcePackage:
    """A target, its files, and the identity that these give its artifact."""

    target: BuildTarget
    sources: Sources
    patches: Sources | None
    inputs: Inputs
    identity: Identity

    @property
    def artifact(self) -> Artifact:
        """What they make."""
        return self.identity.artifact


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceSnapshot:
    """A workspace at one moment.

    `targets` and their `graph` are of everything that can be built; `packages` are those that a command
    works with and what these need, in the order of building. A native package with variants has one entry for
    each; its own name is the first one's.
    """

    workspace: Workspace
    targets: Mapping[str, BuildTarget]
    graph: Mapping[str, frozenset[str]]
    packages: Mapping[str, SourcePackage]

    @property
    def names(self) -> dict[str, str]:
        """The name of each target's package by the target's key."""
        return {key: target.name for key, target in self.targets.items()}

    @property
    def identities(self) -> dict[str, Identity]:
        """The identity of each package."""
        return {key: package.identity for key, package in self.packages.items()}


def read_snapshot(workspace: Workspace, names: Sequence[str] = ()) -> WorkspaceSnapshot:
    """Return the named packages and what they need (all, if none is named) as their sources are now."""
    every = targets(workspace)
    graph = graph_of({key: target.recipe for key, target in every.items()})
    wanted = set(closure(keys_of(names, workspace, every), graph.__getitem__))
    ordered = {key: every[key] for key in order(graph) if key in wanted}
    files = _files(workspace, ordered.values())
    package_names = {key: target.name for key, target in every.items()}
    packages: dict[str, SourcePackage] = {}
    for key, target in ordered.items():
        needs = built_with(target.recipe, graph, package_names)
        digests = {need: packages[need].identity.digest for need in sorted(needs)}
        packages[key] = _package(target, files, digests)
    return WorkspaceSnapshot(workspace=workspace, targets=every, graph=graph, packages=packages)


def _package(target: BuildTarget, files: Mapping[Path, Sources], needs: Mapping[str, str]) -> SourcePackage:
    patches = _patches(target, files[target.patches]) if target.patches else None
    inputs = Inputs(
        recipe=target.recipe,
        sources=_as_input(files[target.folder]),
        patches=_as_input(patches) if patches else {},
        epoch=target.epoch,
        pins=target.pins,
        variant=target.variant,
        needs=needs,
    )
    return SourcePackage(
        target=target,
        sources=files[target.folder],
        patches=patches,
        inputs=inputs,
        identity=identity(inputs, subdir=platforms.current()),
    )


def _files(workspace: Workspace, wanted: Iterable[BuildTarget]) -> dict[Path, Sources]:
    """Return the sources of targets by folder, and what is beside recipes that have patches."""
    # By the repository that lists them.
    folders: dict[Path, dict[Path, tuple[str, ...]]] = {workspace.root: {}}
    for target in wanted:
        listed = folders.setdefault(target.checkout or workspace.root, {})
        listed[target.folder] = target.excludes
        if target.patches:
            listed[target.patches] = ()
    files: dict[Path, Sources] = {}
    for root, listed in folders.items():
        # What is checked out is read once a commit: its digests are not kept.
        kept = workspace.state.source_digests if root == workspace.root else None
        files |= snapshots(root, listed, cache_file=kept)
    return files


def _as_input(sources: Sources) -> dict[str, str]:
    return {path: f"{file.kind} {file.sha256}" for path, file in sources.files.items()}


def _patches(target: BuildTarget, beside: Sources) -> Sources:
    """Return the patches of a recipe, of all that is beside it."""
    names = [posixpath.normpath(name) for name in target.recipe.patches]
    for name in names:
        if name not in beside.files:
            raise FlowlockError(
                f"git does not track the patch `{name}` of {target.name}",
                code="FL327",
                hint="remove it from .gitignore, or from `patches` in the recipe",
            )
    return replace(beside, files={name: beside.files[name] for name in names})
