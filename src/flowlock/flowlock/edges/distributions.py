"""The distributions that are installed beside flowlock, by name."""

import os
import sys
from importlib.metadata import Distribution
from pathlib import Path

from packaging.utils import canonicalize_name

# The folder of a distribution's metadata is named by the distribution (PEP 427), so no metadata is parsed.
SUFFIXES = (".dist-info", ".egg-info")


def installed() -> dict[str, Distribution]:
    """Return each distribution that Python would find, by its PEP 503 name: the first on the path counts."""
    return {name: Distribution.at(folder) for name, folder in metadata_folders().items()}


def metadata_folders() -> dict[str, Path]:
    """Return the folder of the metadata of each installed distribution, by its PEP 503 name."""
    by_name: dict[str, Path] = {}
    for entry in sys.path:
        folder = Path(entry or ".")
        if not folder.is_dir():
            continue
        # Sorted as names: paths take much longer to compare, and a folder of modules has hundreds.
        with os.scandir(folder) as entries:
            infos = sorted(entry.name for entry in entries if entry.name.endswith(SUFFIXES))
        for info in infos:
            name = canonicalize_name(info.rpartition(".")[0].partition("-")[0])
            by_name.setdefault(name, folder / info)
    return by_name
