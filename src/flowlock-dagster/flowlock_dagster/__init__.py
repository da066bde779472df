"""Compiled workflows, and jobs written by hand, as one code location of Dagster."""
