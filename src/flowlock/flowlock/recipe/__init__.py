"""Recipes: read, rendered from a pyproject, and held against it. Pure."""

from flowlock.recipe.consistency import consistency, identity
from flowlock.recipe.document import Noarch, Recipe, parse, yaml_text
from flowlock.recipe.own import own_source
from flowlock.recipe.render import render
from flowlock.recipe.requirement import match_spec
from flowlock.recipe.vendored import Origin, origin

__all__ = [
    "Noarch",
    "Origin",
    "Recipe",
    "consistency",
    "identity",
    "match_spec",
    "origin",
    "own_source",
    "parse",
    "render",
    "yaml_text",
]
