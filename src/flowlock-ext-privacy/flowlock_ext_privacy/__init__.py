"""Anonymised tables and pseudonymised fields for workflows."""
