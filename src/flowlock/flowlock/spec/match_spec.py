"""A requirement in one text, as conda writes match specs."""

import re

from flowlock.errors import Location
from flowlock.spec.model import Requirement, Text


def split_requirement(at: Location, whole: Text, channel: Text | None) -> Requirement:
    """Read `channel::name version` in one text, as conda writes it."""
    text, place = whole.value.strip(), whole.at
    prefix, separator, rest = text.partition("::")
    if separator and channel is None:
        channel, text = Text(prefix.strip(), place), rest.strip()
    match = re.match(r"[^\s=<>!~\[]*", text)
    name = match[0] if match else ""
    version = text[len(name) :].strip()
    return Requirement(
        at=at, name=Text(name, place), version=Text(version, place) if version else None, channel=channel
    )
