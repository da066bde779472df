"""What a workspace builds: its src packages, its compiled workflows and location, each with its recipe."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import chain
from pathlib import Path

from flowlock.builder.plan.agreement import no_recipe, refuse_faults, require_source
from flowlock.builder.plan.git_packages import GitPackage, git_packages
from flowlock.builder.plan.order import graph_of
from flowlock.conda.closure import closure
from flowlock.edges.files import read_text
from flowlock.errors import FlowlockError, Location, Problem, nearest_or_all
from flowlock.names import Version
from flowlock.recipe import pyproject
from flowlock.recipe.document import Recipe, parse
from flowlock.recipe.pins import with_pins
from flowlock.recipe.render import render
from flowlock.recipe.variants import Variant, variants
from flowlock.recipe.vendored import Download, origin
from flowlock.workspace import Package, Workspace

# A workflow's lock pins its package and must not be part of what it pins; a package of `src/` has them to be
# developed in, and what is built does not depend on that.
PIXI_FILES = ("pixi.lock", "pixi.toml")
VENDOR, RECIPE, VARIANTS = "vendor", "recipe.yaml", "variants.yaml"


class PackageKind(StrEnum):
    """Where a target comes from."""

    PACKAGE = "package"
    WORKFLOW = "workflow"
    VENDORED = "vendored"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildTarget:
    """Something to build: a folder of sources, and the recipe that builds it.

    `epoch` and `pins` are inputs of its identity. A vendored package's sources are a download, and what is
    beside its recipe (patches). `patches` is the folder of the recipe of a workspace package that has any.
    `checkout` is the root of the repository of a package that is not of this one.
    """

    recipe: Recipe
    kind: PackageKind
    folder: Path
    excludes: tuple[str, ...]
    epoch: datetime
    pins: tuple[str, ...] = ()
    variant: Variant = field(default_factory=dict)
    download: Download | None = None
    patches: Path | None = None
    checkout: Path | None = None

    @property
    def name(self) -> str:
        """The conda package's name."""
        return self.recipe.name


def targets(workspace: Workspace) -> dict[str, BuildTarget]:
    """Return everything that can be built now, by name; a workflow that is not compiled cannot.

    Of the vendored packages it is those that a workspace package needs. The first variant of a native package
    goes by its name, each other one by the name and its values.
    """
    groups = (_ours(workspace), _vendored(workspace))
    versions = {target.name: target.recipe.version for target in chain(*groups)}
    own, foreign = (_with_pins(group, versions) for group in groups)
    ours = {key: target for package in own for key, target in _variants(workspace, package)}
    vendored = {target.name: target for target in foreign}
    if twice := sorted(ours.keys() & vendored.keys()):
        raise FlowlockError(
            f"{', '.join(twice)} is both a workspace package and a vendored package", code="FL317"
        )
    every = {**ours, **vendored}
    graph = graph_of({key: target.recipe for key, target in every.items()})
    wanted = set(closure(ours, graph.__getitem__))
    needed = {name: target for name, target in every.items() if name in wanted}
    # All that are listed, not those that have a name: two recipes may give themselves the same one.
    _refuse_faults(workspace, [*own, *needed.values()])
    return needed


def _with_pins(targets: Iterable[BuildTarget], versions: Mapping[str, Version]) -> list[BuildTarget]:
    """Return the targets with the version ranges of their pins of one another."""
    return [replace(target, recipe=with_pins(target.recipe, versions)) for target in targets]


def _refuse_faults(workspace: Workspace, targets: Iterable[BuildTarget]) -> None:
    """Refuse faults of hand-written recipes of this workspace; those of workflows are generated."""
    ours = (target for target in targets if target.checkout is None)
    written = [target for target in ours if target.kind is not PackageKind.WORKFLOW]
    refuse_faults(workspace, {_recipe_file(workspace, target): target.recipe for target in written})


def _recipe_file(workspace: Workspace, target: BuildTarget) -> Path:
    """Return the file of a hand-written recipe."""
    beside = target.folder if target.kind is PackageKind.VENDORED else workspace.recipes / target.folder.name
    return beside / RECIPE


def _ours(workspace: Workspace) -> list[BuildTarget]:
    """Return the src packages, the compiled workflows and the compiled location."""
    pins = (workspace.build_backend, workspace.build_installer)
    targets = [_of_package(workspace, package, pins) for package in workspace.packages]
    targets += [
        BuildTarget(
            recipe=rendered(workspace, generated.package, workspace.recipes / generated.distribution),
            kind=PackageKind.WORKFLOW,
            folder=generated.package,
            excludes=PIXI_FILES,
            epoch=workspace.epoch,
            pins=pins,
        )
        for generated in workspace.generated
        if (generated.package / "pyproject.toml").is_file()
    ]
    targets += [_of_repository(workspace, package, pins) for package in git_packages(workspace)]
    return targets


def _of_repository(workspace: Workspace, package: GitPackage, pins: tuple[str, ...]) -> BuildTarget:
    """Return the target of a package in another repository; its commit is part of its identity."""
    return BuildTarget(
        recipe=package.recipe,
        kind=PackageKind.PACKAGE,
        folder=package.folder,
        excludes=PIXI_FILES,
        epoch=workspace.epoch,
        pins=(*pins, f"commit {package.commit}"),
        checkout=package.checkout,
    )


def _of_package(workspace: Workspace, package: Package, pins: tuple[str, ...]) -> BuildTarget:
    recipe = package_recipe(workspace, package)
    return BuildTarget(
        recipe=recipe,
        kind=PackageKind.PACKAGE,
        folder=package.folder,
        excludes=(*PIXI_FILES, *package.excludes),
        epoch=workspace.epoch,
        pins=pins,
        patches=package.recipe.parent if recipe.patches else None,
    )


def _variants(workspace: Workspace, target: BuildTarget) -> Iterator[tuple[str, BuildTarget]]:
    """Yield a target once for each variant; variants.yaml is beside the recipe, or beside all of them."""
    if target.recipe.noarch is not None:
        yield target.name, target
        return
    files = (workspace.recipes / target.folder.name / VARIANTS, workspace.recipes / VARIANTS)
    existing = [path for path in files if path.is_file()]
    text, shown = None, ""
    if existing:
        shown = workspace.relative(existing[0])
        text = read_text(existing[0], shown)
    for number, variant in enumerate(variants(target.recipe, text, shown)):
        values = ", ".join(f"{key} {value}" for key, value in variant.items())
        yield f"{target.name} ({values})" if number else target.name, replace(target, variant=variant)


def _vendored(workspace: Workspace) -> list[BuildTarget]:
    """Return the packages of `recipes/vendor/<name>/recipe.yaml`, needed or not."""
    targets = []
    for path in sorted((workspace.recipes / VENDOR).glob(f"*/{RECIPE}")):
        shown = workspace.relative(path)
        recipe = parse(read_text(path, shown), shown)
        source = origin(recipe)
        targets.append(
            BuildTarget(
                recipe=recipe,
                kind=PackageKind.VENDORED,
                folder=path.parent,
                excludes=(RECIPE,),
                epoch=source.epoch,
                download=source.download,
            )
        )
    return targets


def rendered(workspace: Workspace, folder: Path, here: Path) -> Recipe:
    """Return the recipe of a distribution's pyproject, as it would be in the folder `here`."""
    path = folder / "pyproject.toml"
    shown = workspace.relative(path)
    project = pyproject.read(read_text(path, shown), shown)
    try:
        return render(
            project,
            source=Path(os.path.relpath(folder, here)).as_posix(),
            backend=workspace.build_backend,
            installer=workspace.build_installer,
            names=workspace.wheel_names,
        )
    except (ValueError, KeyError) as error:
        raise FlowlockError(
            f"no recipe can be generated: {error}",
            code="FL314",
            location=Location(file=shown),
        ) from error


def keys_of(names: Sequence[str], workspace: Workspace, targets: Mapping[str, BuildTarget]) -> list[str]:
    """Return the keys of packages, and of workflows by either name; all if none is named."""
    if not names:
        return list(targets)
    keys: dict[str, list[str]] = {}
    for key, target in targets.items():
        keys.setdefault(target.name, []).append(key)
    distributions = {workflow.name: str(workflow.distribution) for workflow in workspace.generated}
    packages = [distributions.get(name, name) for name in names]
    problems = [_unknown(name, keys, distributions) for name in packages if name not in keys]
    if problems:
        raise FlowlockError(problems[0].message, problems=problems)
    return [key for name in packages for key in keys[name]]


def _unknown(name: str, packages: Collection[str], workflows: Mapping[str, str]) -> Problem:
    if name in workflows.values():
        return Problem(code="FL521", message=f"{name} is not compiled", hint="run `flowlock compile`")
    names = sorted({*packages, *workflows} - set(workflows.values()))
    message = f"package or workflow `{name}` does not exist"
    return Problem(code="FL521", message=message, hint=nearest_or_all(name, names))


def package_recipe(workspace: Workspace, package: Package) -> Recipe:
    """Return what a src package's recipe says; a FlowlockError explains why it cannot be this package's."""
    path, folder = package.recipe, package.folder
    shown = workspace.relative(path)
    if not path.is_file():
        raise no_recipe(workspace, package)
    recipe = parse(read_text(path, shown), shown)
    hint = f"use {workspace.relative(folder)}: a build can only see its own source"
    require_source(recipe, path, folder, hint)
    return recipe
