"""Recipes: read, rendered from a pyproject, and held against it. Pure."""

from flowlock.recipe.consistency import consistency
from flowlock.recipe.document import Noarch, Recipe, parse, yaml_text
from flowlock.recipe.render import render
from flowlock.recipe.requirement import match_spec

__all__ = ["Noarch", "Recipe", "consistency", "match_spec", "parse", "render", "yaml_text"]
