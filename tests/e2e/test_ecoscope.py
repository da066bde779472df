"""The example on ecoscope from nothing: synced, installed, tested and run in the embedded profile.

This takes about a minute and a half of processor time, most of it for the installation and the two runs.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkout import LARGE, Checkout, copy_repository
from servers.parts import folder_of
from shared import SNAPSHOT, needs_snapshot, require_part


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with the workflows whose environment is large."""
    # What is downloaded is what `make test-parts` has downloaded.
    require_part(found=folder_of("ecoscope").is_dir(), part="ecoscope")
    root = tmp_path_factory.mktemp("large é") / "checkout"
    root.mkdir()
    copy_repository(root, large=True)
    return Checkout(root=root)


def test_a_workflow_on_ecoscope_runs_from_nothing(large: Checkout, tmp_path: Path) -> None:
    assert large.flowlock("sync", "subject-tracking").code == 0
    tested = large.flowlock("--json", "test", "subject-tracking")
    assert tested.code == 0, tested.err
    results = tmp_path / "results"
    done = large.flowlock("run", "subject-tracking", "--results", results)
    assert done.code == 0, done.err
    # No progress bar and no banner of ecoscope's, and no warning.
    assert "Warning" not in done.out + done.err
    result = json.loads((results / "result.json").read_text())["result"]
    assert result["title"] == "Storms of the Atlantic"
    assert "scattergeo" in (results / "dashboard.html").read_text()


@needs_snapshot
def test_the_locks_of_workflows_on_ecoscope_are_solved_for_all_platforms(large: Checkout) -> None:
    locks = {path: path.read_text() for name in LARGE for path in _locks_of(large, name)}
    assert len(locks) == len(LARGE)
    for lock, text in locks.items():
        for platform in ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64"):
            assert f"      {platform}:" in text
        lock.unlink()
    # Their own packages are needed, not the embedded base.
    assert large.flowlock("build", *LARGE).code == 0
    done = large.flowlock("--profile", "conda-forge", "lock", *LARGE, "--repodata", SNAPSHOT)
    assert done.code == 0, done.err
    for lock, text in locks.items():
        assert lock.read_text() == text


def _locks_of(checkout: Checkout, name: str) -> Iterator[Path]:
    return (checkout.root / "examples" / name).glob("*/pixi.lock")
