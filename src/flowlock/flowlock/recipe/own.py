"""A recipe of one of our packages: what it is built from is the package's folder, and nothing else. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from flowlock.documents.places import KeyPath
from flowlock.errors import FlowlockError, Location, Problem
from flowlock.recipe.document import Recipe
from flowlock.recipe.values import leaves, resolve

_DOWNLOADS = ("url", "git")


def own_source(recipe: Recipe) -> tuple[str, Location] | None:
    """Return the path of the one source as seen from the recipe, and where it stands; None without a source.

    Any other source is an error: its contents would be in the artifact, and not in the artifact's identity.
    """
    sources = list(leaves(recipe.document.get("source"), ("source",)))
    problems = [problem for place, source in sources for problem in _problems(recipe, place, source)]
    if len(sources) > 1:
        problems.append(
            _problem(
                recipe, sources[1][0], "a package of the workspace must have exactly one source", _FOLDER
            )
        )
    if problems:
        file = recipe.places.file
        raise FlowlockError(f"{file} has {len(problems)} problem(s)", problems=problems)
    if not sources:
        return None
    place, source = sources[0]
    return resolve(source["path"], recipe.document), recipe.places.value((*place, "path"))


_FOLDER = "point `source: {path: …}` at the package's folder; a build can only see its own source"
_VENDOR = "put the download into a separate recipe, recipes/vendor/<name>/recipe.yaml (see docs/pipeline.md)"


def _problems(recipe: Recipe, place: KeyPath, source: Mapping[str, Any]) -> Iterator[Problem]:
    if {"then", "else"} & set(place):
        yield _problem(recipe, place, "a source has a selector", _FOLDER)
    for key in _DOWNLOADS:
        if key in source:
            yield _problem(recipe, (*place, key), f"a source has `{key}`", _VENDOR)
    if "path" not in source and not set(_DOWNLOADS) & source.keys():
        yield _problem(recipe, place, "a source has no `path`", _FOLDER)


def _problem(recipe: Recipe, place: KeyPath, message: str, hint: str) -> Problem:
    return Problem(code="FL312", message=message, location=recipe.places.value(place), hint=hint)
