"""What a workspace builds: its src packages and its compiled workflows, each with its recipe."""

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from flowlock.build.plan import closure, needs
from flowlock.errors import FlowlockError, Location, nearest
from flowlock.files import read_bytes
from flowlock.recipe import Recipe, origin, parse, render
from flowlock.recipe.vendored import Download
from flowlock.workspace import Workflow, Workspace

# Locks pin the package and must not be part of what they pin.
WORKFLOW_EXCLUDES = ("pixi.lock", "pixi.toml")
VENDOR, RECIPE = "vendor", "recipe.yaml"


class Kind(StrEnum):
    """Where a target comes from."""

    PACKAGE = "package"
    WORKFLOW = "workflow"
    VENDORED = "vendored"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Something to build: a folder of sources, and the recipe that builds it.

    `epoch` and `pins` are inputs of its identity. A vendored package's sources are a download, and what lies
    beside its recipe (patches).
    """

    recipe: Recipe
    kind: Kind
    folder: Path
    excludes: tuple[str, ...]
    epoch: datetime
    pins: tuple[str, ...] = ()
    download: Download | None = None

    @property
    def name(self) -> str:
        """The conda package's name."""
        return self.recipe.name


def targets(workspace: Workspace) -> dict[str, Target]:
    """Return everything that can be built now, by name; a workflow that is not compiled cannot.

    Of the vendored packages it is those that one of ours needs.
    """
    ours = {target.name: target for target in _ours(workspace)}
    vendored = {target.name: target for target in _vendored(workspace)}
    if not vendored:
        return ours
    if twice := sorted(ours.keys() & vendored.keys()):
        raise FlowlockError(f"{', '.join(twice)} is both ours and vendored", code="FL317")
    every = {**ours, **vendored}
    graph = {name: needs(target.recipe, every) for name, target in every.items()}
    wanted = closure(ours, graph)
    return {name: target for name, target in every.items() if name in wanted}


def _ours(workspace: Workspace) -> list[Target]:
    """Return the src packages and the compiled workflows."""
    pins = (workspace.build_backend, workspace.build_installer)
    found = [
        Target(
            recipe=_package_recipe(workspace, package.recipe, package.folder),
            kind=Kind.PACKAGE,
            folder=package.folder,
            excludes=package.excludes,
            epoch=workspace.epoch,
            pins=pins,
        )
        for package in workspace.packages
    ]
    found += [
        Target(
            recipe=workflow_recipe(workspace, workflow),
            kind=Kind.WORKFLOW,
            folder=workflow.package,
            excludes=WORKFLOW_EXCLUDES,
            epoch=workspace.epoch,
            pins=pins,
        )
        for workflow in workspace.workflow_list
        if (workflow.package / "pyproject.toml").is_file()
    ]
    return found


def _vendored(workspace: Workspace) -> list[Target]:
    """Return the packages of `recipes/vendor/<name>/recipe.yaml`, needed or not."""
    found = []
    for path in sorted((workspace.recipes / VENDOR).glob(f"*/{RECIPE}")):
        shown = workspace.relative(path)
        text = read_bytes(path).decode(errors="replace")
        recipe = parse(text, shown)
        source = origin(recipe, shown, text)
        found.append(
            Target(
                recipe=recipe,
                kind=Kind.VENDORED,
                folder=path.parent,
                excludes=(RECIPE,),
                epoch=source.epoch,
                download=source.download,
            )
        )
    return found


def workflow_recipe(workspace: Workspace, workflow: Workflow) -> Recipe:
    """Return a compiled workflow's recipe, as it would stand in `<recipes>/<distribution>/recipe.yaml`."""
    path = workflow.package / "pyproject.toml"
    here = workspace.recipes / workflow.distribution
    try:
        return render(
            tomllib.loads(read_bytes(path).decode()),
            source=Path(os.path.relpath(workflow.package, here)).as_posix(),
            backend=workspace.build_backend,
            installer=workspace.build_installer,
            names=workspace.wheel_names,
        )
    except (ValueError, KeyError) as error:
        raise FlowlockError(
            f"no recipe can be made of it: {error}",
            code="FL314",
            location=Location(file=workspace.relative(path)),
        ) from error


def chosen(names: Sequence[str], workspace: Workspace, known: dict[str, Target]) -> list[str]:
    """Return the packages that names mean: packages, workflows by either name, all if none is given."""
    if not names:
        return list(known)
    workflows = {workflow.name: str(workflow.distribution) for workflow in workspace.workflow_list}
    meant = [workflows.get(name, name) for name in names]
    unknown = next((name for name in meant if name not in known), None)
    if unknown is None:
        return meant
    if unknown in workflows.values():
        raise FlowlockError(f"{unknown} is not compiled", code="FL521", hint="run `flowlock compile`")
    hint = nearest(unknown, [*known, *workflows])
    raise FlowlockError(f"there is no package or workflow `{unknown}`", code="FL521", hint=hint)


def _package_recipe(workspace: Workspace, path: Path, folder: Path) -> Recipe:
    shown = workspace.relative(path)
    if not path.is_file():
        raise FlowlockError(
            f"{folder.name} has no recipe",
            code="FL315",
            location=Location(file=shown),
            hint=f"write one with `flowlock recipe {folder.name} > {shown}`",
        )
    recipe = parse(read_bytes(path).decode(errors="replace"), shown)
    for source in recipe.sources:
        if "path" in source and (path.parent / str(source["path"])).resolve() != folder.resolve():
            raise FlowlockError(
                f"source path `{source['path']}` is not the package's folder",
                code="FL312",
                location=Location(file=shown),
                hint=f"name {workspace.relative(folder)}: a build sees its own source and nothing else",
            )
    return recipe
