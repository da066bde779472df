"""Recipes: read, rendered from a pyproject, and compared with it. Pure."""
