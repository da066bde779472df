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
    by_name: dict[str, Distribution] = {}
    for entry in sys.path:
        folder = Path(entry or ".")
        if not folder.is_dir():
            continue
        # As texts: a folder of modules has hundreds of other names.
        for info in sorted(name for name in os.listdir(folder) if name.endswith(SUFFIXES)):  # noqa: PTH208
            name = canonicalize_name(info.rpartition(".")[0].partition("-")[0])
            by_name.setdefault(name, Distribution.at(folder / info))
    return by_name
