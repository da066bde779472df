"""`flowlock recipe`: the recipe of a package or workflow, and whether it fits its pyproject."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowlock.build.targets import Kind, chosen, rendered, targets
from flowlock.errors import Problem
from flowlock.files import read_bytes
from flowlock.recipe import Recipe, consistency, yaml_text
from flowlock.workspace import Workspace


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
            return RecipeResult(recipe=rendered(workspace, package.folder, package.recipe.parent))
    known = targets(workspace)
    return RecipeResult(recipe=known[chosen([name], workspace, known)[0]].recipe)


def recipe_problems(workspace: Workspace) -> list[Problem]:
    """Return where the recipes of the src packages and their pyprojects disagree."""
    found = []
    recipes = {name: target for name, target in targets(workspace).items() if target.kind is Kind.PACKAGE}
    for package in workspace.packages:
        project = package.folder / "pyproject.toml"
        texts = [read_bytes(path).decode() for path in (package.recipe, project)]
        found += consistency(
            recipes[package.name].recipe,
            tomllib.loads(texts[1]),
            names=workspace.wheel_names,
            recipe_file=(workspace.relative(package.recipe), texts[0]),
            pyproject_file=(workspace.relative(project), texts[1]),
        )
    return found
