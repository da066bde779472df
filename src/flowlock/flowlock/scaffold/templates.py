"""The templates of what is scaffolded: texts with `$name` for what differs."""

from collections.abc import Mapping
from importlib.resources import files as resources
from string import Template


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return a template of this package with its names replaced; a name without a value is a bug."""
    text = (resources("flowlock.scaffold") / "templates" / f"{template}.in").read_text(encoding="utf-8")
    return Template(text).substitute(values)
