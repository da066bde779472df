"""The forms in which locks and their differences are shown; apart, so that the command line starts fast."""

from enum import StrEnum


class ExportKind(StrEnum):
    """What `flowlock export` writes."""

    EXPLICIT = "conda-explicit"
    ENVIRONMENT = "environment-yml"
    MIRROR = "pixi-mirror"


class DiffForm(StrEnum):
    """How a difference is printed; JSON is the global --json."""

    TEXT = "text"
    MARKDOWN = "markdown"
