"""The rules of the spec language: each a function from a spec to the problems that it finds."""
