"""The Python of a compiled workflow: names are chosen, and data becomes source."""
