"""Recipes: read, rendered from a pyproject, and held against it. Pure."""
