"""`flowlock recipe`: the recipe of a package or workflow, and whether it fits its pyproject."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flowlock.builder.contents import portable_names
from flowlock.builder.plan.agreement import disagreements, misnamed
from flowlock.builder.plan.order import graph_of, order
from flowlock.builder.plan.targets import keys_of, package_recipe, rendered, targets
from flowlock.builder.worker.native import refusals
from flowlock.conda import platforms
from flowlock.edges import files
from flowlock.edges.sources import snapshots
from flowlock.errors import FlowlockError, Location, Problem, Severity
from flowlock.recipe.consistency import line_of
from flowlock.recipe.document import Recipe, yaml_text
from flowlock.recipe.pins import with_pins
from flowlock.workspace import Package, Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeResult:
    """A recipe, to print."""

    recipe: Recipe

    @property
    def ok(self) -> bool:
        """Whether there is a recipe; what prevents that is raised."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return the recipe's document."""
        return self.recipe.document

    def as_text(self) -> str:
        """Return the recipe as a recipe.yaml holds it."""
        return yaml_text(self.recipe)


def show_recipe(workspace: Workspace, name: str) -> RecipeResult:
    """Return the recipe that a package or a compiled workflow is built from.

    A package whose recipe is not written yet (no file, or an empty one that the shell made) gets the one that
    its pyproject asks for.
    """
    for package in workspace.packages:
        if package.name == name and not (package.recipe.is_file() and package.recipe.stat().st_size):
            if problems := list(misnamed(workspace, package)):
                raise FlowlockError(problems[0].message, problems=problems)
            return RecipeResult(recipe=rendered(workspace, package.folder, package.recipe.parent))
    buildable = targets(workspace)
    return RecipeResult(recipe=buildable[keys_of([name], workspace, buildable)[0]].recipe)


def recipe_problems(workspace: Workspace) -> list[Problem]:
    """Return the problems of the recipes, and where they and the pyprojects of src packages disagree."""
    recipes: dict[Package, Recipe] = {}
    problems: list[Problem] = []
    for package in workspace.packages:
        try:
            recipes[package] = package_recipe(workspace, package)
        except FlowlockError as error:
            problems += error.problems
    problems += _disagreements(workspace, recipes)
    problems += _unportable(workspace, recipes)
    if all(problem.severity is Severity.WARNING for problem in problems):
        problems += _refused(workspace, recipes)
    try:
        order(graph_of({name: target.recipe for name, target in targets(workspace).items()}))
    except FlowlockError as error:
        # The first fault of a package ends a survey; the others are known by now.
        problems += [problem for problem in error.problems if problem not in problems]
    return problems


def _disagreements(workspace: Workspace, recipes: Mapping[Package, Recipe]) -> Iterator[Problem]:
    """Yield where recipes and pyprojects differ, and the pins that cannot be evaluated."""
    versions = {str(recipe.name): recipe.version for recipe in recipes.values()}
    for package, recipe in recipes.items():
        try:
            yield from disagreements(workspace, package, with_pins(recipe, versions))
        except FlowlockError as error:
            yield from error.problems


def _unportable(workspace: Workspace, recipes: Mapping[Package, Recipe]) -> Iterator[Problem]:
    """Yield warnings for source files of noarch packages whose names not every platform can have."""
    portable = {package: recipe for package, recipe in recipes.items() if recipe.noarch}
    folders = {package.folder: package.excludes for package in portable}
    try:
        sources = snapshots(workspace.root, folders, cache_file=workspace.state.source_digests)
    except FlowlockError as error:
        yield from error.problems
        return
    for package in portable:
        where = Location(file=workspace.relative(package.folder))
        for warning in portable_names.warnings(package.name, sources[package.folder].files):
            yield replace(warning, location=where)


def _refused(workspace: Workspace, recipes: Mapping[Package, Recipe]) -> Iterator[Problem]:
    """Yield what the engine does not take of recipes in which flowlock finds no error."""
    packages: dict[str, Package] = {package.name: package for package in recipes}
    reasons = refusals(
        {package.name: recipe for package, recipe in recipes.items()},
        platforms.current(),
        kept=workspace.state.recipe_refusals,
    )
    for name, reason in reasons.items():
        path = packages[name].recipe
        shown = workspace.relative(path)
        key = re.search(r"invalid value for '(?:.*[.])?([^'.]+)'", reason)
        line = line_of(files.read_text(path, shown), key[1]) if key else None
        where = Location(file=shown, line=line)
        message = f"rattler-build rejects this recipe: {' '.join(reason.split())}"
        yield Problem(code="FL328", message=message, location=where)
