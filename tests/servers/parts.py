"""Packages of `.parts`: they can be imported here, and by the processes that this one starts."""

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import pytest

from flowlock_core.cluster import environment
from flowlock_core.store import code
from shared import ROOT, require_part


def folder_of(name: str) -> Path:
    """Return where `make test-parts` installs a dependency group."""
    return ROOT / ".parts" / name


def use_parts(name: str, module: str) -> None:
    """Let this process import what `make test-parts` has installed, where it has nothing itself."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder_of(name) / "lib" / version / "site-packages"
    if packages.is_dir() and str(packages) not in sys.path:
        sys.path.append(str(packages))
    # What was installed before is known already, and other processes will see more.
    _forget_installed()
    require_part(found=find_spec(module) is not None, part=f"the Python package {module}")


def restore_search_path(before: Iterable[str]) -> None:
    """Let the tests that follow see what they saw before: caches are keyed by what is installed."""
    sys.path[:] = before
    _forget_installed()


def packages_of(name: str) -> list[str]:
    """Return the folder of these packages, if this process uses it."""
    return [path for path in sys.path if path.startswith(str(folder_of(name)))]


def allow_deprecations(items: Iterable[pytest.Item], folder: Path) -> None:
    """Let the tests of a folder use packages that use what others will remove."""
    for item in items:
        if item.path.is_relative_to(folder):
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))


def _forget_installed() -> None:
    for known in (code._installed, code.code_parts, environment.code_of, environment.code_digest):
        known.cache_clear()
