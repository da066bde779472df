"""Deployment: the tag of an image in a manifest, its pull request, and what Dagster says of it."""
