"""The distributions that are installed beside flowlock, by name."""

import sys
from importlib.metadata import Distribution
from pathlib import Path

from packaging.utils import canonicalize_name

# The folder of a distribution's metadata is named by the distribution (PEP 427), so no metadata is parsed.
SUFFIXES = frozenset((".dist-info", ".egg-info"))


def installed() -> dict[str, Distribution]:
    """Return each distribution that Python would find, by its PEP 503 name: the first on the path counts."""
    found: dict[str, Distribution] = {}
    for entry in sys.path:
        folder = Path(entry or ".")
        if not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if path.suffix in SUFFIXES:
                name = canonicalize_name(path.stem.partition("-")[0])
                found.setdefault(name, Distribution.at(path))
    return found
