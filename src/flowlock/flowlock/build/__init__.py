"""From source to artifacts in the local channel, and only what is not there already."""

from flowlock.build.result import BuildResult, PackageResult, Status
from flowlock.build.run import build
from flowlock.build.show import RecipeResult, recipe_problems, show_recipe
from flowlock.build.stale import identities

__all__ = [
    "BuildResult",
    "PackageResult",
    "RecipeResult",
    "Status",
    "build",
    "identities",
    "recipe_problems",
    "show_recipe",
]
