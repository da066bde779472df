"""`flowlock recipe`: the recipe of a package or workflow, and whether it fits its pyproject."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowlock.builder.plan.agreement import disagreements, misnamed
from flowlock.builder.plan.order import graph_of, order
from flowlock.builder.plan.targets import chosen, package_recipe, rendered, targets
from flowlock.errors import FlowlockError, Problem
from flowlock.recipe.document import Recipe, yaml_text
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
    known = targets(workspace)
    return RecipeResult(recipe=known[chosen([name], workspace, known)[0]].recipe)


def recipe_problems(workspace: Workspace) -> list[Problem]:
    """Return what is wrong with the recipes, and where they and the pyprojects of src packages disagree."""
    found = [problem for package in workspace.packages for problem in _of_package(workspace, package)]
    try:
        order(graph_of({name: target.recipe for name, target in targets(workspace).items()}))
    except FlowlockError as error:
        # The first fault of a package ends a survey; the others are known by now.
        found += [problem for problem in error.problems if problem not in found]
    return found


def _of_package(workspace: Workspace, package: Package) -> list[Problem]:
    try:
        return disagreements(workspace, package, package_recipe(workspace, package))
    except FlowlockError as error:
        return list(error.problems)
