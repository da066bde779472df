"""Nouns of the conda ecosystem: archives, records, match specs, virtual packages, indexes."""
