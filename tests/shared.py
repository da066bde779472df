"""What all tests share: things made once a session, whichever worker asks first."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOT = ROOT.parent / "shared" / "data" / "conda-forge-snapshot"
needs_snapshot = pytest.mark.skipif(
    not SNAPSHOT.is_dir(), reason="the snapshot of conda-forge's metadata is not beside this checkout"
)


def seeded(seed: int | str) -> random.Random:
    """Return a source of numbers that is the same in every run."""
    return random.Random(seed)  # noqa: S311 - repeatable tests need it, and nothing here is a secret


def once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that `make` fills once for the whole session, over all xdist workers.

    A failure to make it is met by each worker that asks, since only a finished folder is kept.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-gw") else base
    # A space and a non-ASCII letter, because users' folders have them.
    folder = shared / "shared é" / name
    folder.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        done = folder.with_name(f"{name}.done")
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def require_part(*, found: bool, part: str) -> None:
    """Skip a test whose part is not installed; where all parts were asked for, as in CI, fail instead."""
    if not found:
        reason = f"{part} is not here: `make test-parts` installs it"
        if os.environ.get("FLOWLOCK_TEST_PARTS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
