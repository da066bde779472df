"""Faults of recipes that would make an artifact wrong, or fail at the end of its build; found before it."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from flowlock import workspace as settings
from flowlock.builder.plan.order import names_of
from flowlock.conda.match import RattlerMatcher
from flowlock.edges.files import read_text
from flowlock.errors import FlowlockError, Location, Problem
from flowlock.recipe import pyproject
from flowlock.recipe.consistency import consistency, identity, line_of
from flowlock.recipe.document import Recipe
from flowlock.recipe.own import own_source
from flowlock.workspace import Package, Workspace

# What makes a path of `license_file` a pattern, which need not match anything on this machine.
_PATTERN = frozenset("*?[]{}$")


def refuse_faults(workspace: Workspace, recipes: Mapping[Path, Recipe]) -> None:
    """Refuse recipes (by their files) that disagree with their packages or with [build], all at once.

    What a package requires to run and its commands are left to `flowlock check`.
    """
    packages = {package.recipe: package for package in workspace.packages}
    problems: list[Problem] = []
    for path, recipe in recipes.items():
        if package := packages.get(path):
            problems += _facts(workspace, package).compared(identity, recipe)
            problems += _missing_files(workspace, package, recipe)
        problems += _pins(workspace, path, recipe)
    if problems:
        raise FlowlockError(
            f"{len(problems)} conflict(s) between recipes, pyproject.toml files and flowlock.toml",
            problems=problems,
        )


def disagreements(workspace: Workspace, package: Package, recipe: Recipe) -> list[Problem]:
    """Return all in which a src package's recipe and pyproject, or its recipe and [build], differ."""

    def whole(*arguments: Any, **files: Any) -> list[Problem]:
        return consistency(*arguments, names=workspace.wheel_names, **files)

    return [
        *_facts(workspace, package).compared(whole, recipe),
        *_missing_files(workspace, package, recipe),
        *_pins(workspace, package.recipe, recipe),
    ]


def require_source(recipe: Recipe, path: Path, folder: Path, hint: str) -> None:
    """Refuse a recipe at a path whose source is not the folder of its package; none at all is accepted."""
    source = own_source(recipe)
    if source is None:
        return
    written, location = source
    if os.path.realpath(path.parent / written) != os.path.realpath(folder):
        raise FlowlockError(
            f"source path `{written}` is not the folder of the package",
            code="FL312",
            location=location,
            hint=hint,
        )


def no_recipe(workspace: Workspace, package: Package) -> FlowlockError:
    """Return the error of a package without a recipe, with a command that writes one."""
    shown = workspace.relative(package.recipe)
    first = (
        "" if package.recipe.parent.is_dir() else f"mkdir -p {workspace.relative(package.recipe.parent)} && "
    )
    missing = Problem(
        code="FL315",
        message=f"{package.name} has no recipe",
        location=Location(file=shown),
        hint=f"generate one with `{first}flowlock recipe {package.name} > {shown}`",
    )
    return FlowlockError(missing.message, problems=[*misnamed(workspace, package), missing])


def misnamed(workspace: Workspace, package: Package) -> Iterator[Problem]:
    """Yield a problem if a package's pyproject gives it another name than its folder does."""
    facts = _facts(workspace, package)
    name = facts.document.get("project", {}).get("name", package.name)
    if canonicalize_name(name) != canonicalize_name(package.name):
        file, text = facts.pyproject_file
        yield Problem(
            code="FL323",
            message=f"name: {name} here, but the folder is {package.name}",
            location=Location(file=file, line=line_of(text, "name")),
            hint=f"name the package {package.name}, or rename the folder",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Facts:
    """A package's pyproject, and the files that say what it is: (path to show, text)."""

    folder: str
    document: Mapping[str, Any]
    pyproject_file: tuple[str, str]
    recipe_file: tuple[str, str]

    def compared(self, rule: Callable[..., list[Problem]], recipe: Recipe) -> list[Problem]:
        return rule(
            recipe,
            self.document,
            folder=self.folder,
            recipe_file=self.recipe_file,
            pyproject_file=self.pyproject_file,
        )


def _facts(workspace: Workspace, package: Package) -> _Facts:
    shown, text = _file(workspace, package.project_file)
    return _Facts(
        folder=package.name,
        document=pyproject.read(text, shown),
        pyproject_file=(shown, text),
        recipe_file=_file(workspace, package.recipe),
    )


def _file(workspace: Workspace, path: Path) -> tuple[str, str]:
    shown = workspace.relative(path)
    return shown, read_text(path, shown) if path.is_file() else ""


def _missing_files(workspace: Workspace, package: Package, recipe: Recipe) -> Iterator[Problem]:
    """Yield the files that the recipe names and that are not there."""
    yield from _licenses(workspace, package, recipe)
    for name in recipe.patches:
        if not (package.recipe.parent / name).is_file():
            shown, text = _file(workspace, package.recipe)
            folder = workspace.relative(package.recipe.parent)
            yield Problem(
                code="FL327",
                message=f"patches: `{name}` does not exist in {folder}",
                location=Location(file=shown, line=line_of(text, name)),
                hint="put the patch next to the recipe, or remove it from `patches`",
            )


def _licenses(workspace: Workspace, package: Package, recipe: Recipe) -> Iterator[Problem]:
    """Yield the license files that are not there: the engine looks for them when everything else is done.

    A source that is not the package's own folder may bring them.
    """
    own = [source for source in recipe.sources if "path" in source and "target_directory" not in source]
    if not own or len(own) < len(recipe.sources):
        return
    for name in recipe.license_files:
        if _PATTERN.isdisjoint(name) and not (package.folder / name).exists():
            shown, text = _file(workspace, package.recipe)
            yield Problem(
                code="FL325",
                message=f"license_file: `{name}` does not exist in {workspace.relative(package.folder)}",
                location=Location(file=shown, line=line_of(text, "license_file")),
                hint="add the file there, or remove it from `license_file`",
            )


def _pins(workspace: Workspace, path: Path, recipe: Recipe) -> Iterator[Problem]:
    """Yield the host requirements that the exact build tools of flowlock.toml do not satisfy.

    All packages that need no more than these share one environment, so there can be only one of each.
    """
    for key, pin in (("backend", workspace.build_backend), ("installer", workspace.build_installer)):
        for spec in _other_versions(recipe.requirements("host"), pin):
            shown, text = _file(workspace, path)
            where = Location(
                file=settings.FILE, line=line_of(_file(workspace, workspace.root / settings.FILE)[1], key)
            )
            yield Problem(
                code="FL324",
                message=f"host requirement: `{spec}` here, but [build] {key} in {where} is `{pin}`",
                location=Location(file=shown, line=line_of(text, spec)),
                hint=f"write `{pin}` here, or change [build] {key} for all packages",
            )


def _other_versions(specs: Iterable[str], pin: str) -> Iterator[str]:
    name, _, version = pin.partition(" ==")
    matcher = RattlerMatcher()
    for spec in specs:
        if "${{" in spec or spec.split() == pin.split() or names_of([spec]) != {name}:
            continue
        try:
            # A build string has no version.
            fits = matcher.matches_virtual(" ".join(spec.split()[:2]), f"{name}={version}")
        except ValueError:
            continue
        if not fits:
            yield spec
