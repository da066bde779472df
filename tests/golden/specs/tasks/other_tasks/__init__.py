"""A second package, with a name that the first one has too."""
