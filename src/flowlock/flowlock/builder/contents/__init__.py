"""The contents of a package: files that ship, excluded files, and remarks about both."""
