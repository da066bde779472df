"""The record of what was generated: digests that tell an edited file from one that is out of date."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping

MANIFEST = "GENERATED.sha256"
_LINE = re.compile(r"([0-9a-f]{64})  ([\w.-]+(?:/[\w.-]+)*)")


def manifest(rendered: Mapping[str, str]) -> str:
    """Return the digests of generated files, by their relative paths, as sha256sum writes them."""
    return "".join(f"{digest(text)}  {path}\n" for path, text in sorted(rendered.items()))


def digest(text: str) -> str:
    """Return the sha256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def recorded(text: str) -> dict[str, set[str]]:
    """Read a manifest; only plain relative paths count, since what it names may be deleted."""
    digests: dict[str, set[str]] = defaultdict(set)
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match and ".." not in match[2].split("/"):
            digests[match[2]].add(match[1])
    return digests
