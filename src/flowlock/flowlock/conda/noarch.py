"""The two kinds of packages that are the same on all platforms."""

from enum import StrEnum


class Noarch(StrEnum):
    """What `build.noarch` of a recipe may be."""

    PYTHON = "python"
    GENERIC = "generic"
