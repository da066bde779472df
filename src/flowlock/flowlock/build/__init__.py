"""From source to artifacts in the local channel, and only what is not there already."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
# Imported when asked for: a worker is started for every build, and needs none of them.
_HOMES = {
    "BuildResult": "result",
    "PackageResult": "result",
    "RecipeResult": "show",
    "Status": "result",
    "build": "run",
    "identities": "stale",
    "recipe_problems": "show",
    "show_recipe": "show",
}


def __getattr__(name: str) -> Any:
    """Return what this package exports (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
