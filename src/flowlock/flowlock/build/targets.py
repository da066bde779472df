"""What a workspace builds: its src packages and its compiled workflows, each with its recipe."""

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from flowlock.errors import FlowlockError, Location, nearest
from flowlock.files import read_bytes
from flowlock.recipe import Recipe, parse, render
from flowlock.workspace import Workflow, Workspace

# Locks pin the package and must not be part of what they pin.
WORKFLOW_EXCLUDES = ("pixi.lock", "pixi.toml")


class Kind(StrEnum):
    """Where a target comes from."""

    PACKAGE = "package"
    WORKFLOW = "workflow"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Something to build: a folder of sources, and the recipe that builds it."""

    recipe: Recipe
    kind: Kind
    folder: Path
    excludes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The conda package's name."""
        return self.recipe.name


def targets(workspace: Workspace) -> dict[str, Target]:
    """Return everything that can be built now, by name; a workflow that is not compiled cannot."""
    found = [
        Target(
            recipe=_package_recipe(workspace, package.recipe, package.folder),
            kind=Kind.PACKAGE,
            folder=package.folder,
            excludes=package.excludes,
        )
        for package in workspace.packages
    ]
    found += [
        Target(
            recipe=workflow_recipe(workspace, workflow),
            kind=Kind.WORKFLOW,
            folder=workflow.package,
            excludes=WORKFLOW_EXCLUDES,
        )
        for workflow in workspace.workflow_list
        if (workflow.package / "pyproject.toml").is_file()
    ]
    return {target.name: target for target in found}


def workflow_recipe(workspace: Workspace, workflow: Workflow) -> Recipe:
    """Return a compiled workflow's recipe, as it would stand in `<recipes>/<distribution>/recipe.yaml`."""
    path = workflow.package / "pyproject.toml"
    here = workspace.root / "recipes" / workflow.distribution
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
