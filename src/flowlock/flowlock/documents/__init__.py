"""Texts from people with the place of everything in them: one reader for TOML, one for YAML."""
