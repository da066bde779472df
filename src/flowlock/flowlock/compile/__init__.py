"""Spec and task signatures → the files of a package; `command` reads and writes, the rest is pure."""
