"""Dask of `.parts`: it can be imported here, and by the processes that this one starts."""

import sys
from importlib.util import find_spec

from flowlock_core.cluster import environment
from flowlock_core.store import code
from shared import ROOT, require_part

PARTS = ROOT / ".parts/dask"


def use_dask_parts() -> None:
    """Let this process import what `make test-parts` has installed, where it has nothing itself."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = PARTS / "lib" / version / "site-packages"
    if packages.is_dir() and str(packages) not in sys.path:
        sys.path.append(str(packages))
    # What was installed before is known already, and the workers will see more.
    _forget_installed()
    require_part(found=find_spec("distributed") is not None, part="the Python package distributed")


def leave_dask_parts() -> None:
    """Let the tests that follow see what they saw before: caches are keyed by what is installed."""
    if packages := dask_packages():
        sys.path[:] = [path for path in sys.path if path not in packages]
        _forget_installed()


def _forget_installed() -> None:
    for known in (code._installed, code.code_parts, environment.code_of, environment.code_digest):
        known.cache_clear()


def dask_packages() -> list[str]:
    """Return the folder of these packages, if this process uses it."""
    return [path for path in sys.path if path.startswith(str(PARTS))]
