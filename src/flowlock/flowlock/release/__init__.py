"""Releases: prepared by one command, published by a tag, byte for byte what was reviewed."""
