"""The example on ecoscope from nothing: synced, installed, tested and run in the embedded profile.

This takes about a minute and a half of processor time, most of it for the installation and the two runs.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from checkout import LARGE, Checkout, add_large, copy_repository
from servers.parts import folder_of
from shared import SNAPSHOT, needs_snapshot, require_part


def test_a_workflow_on_ecoscope_runs_from_nothing(tmp_path: Path) -> None:
    # What is downloaded is what `make test-parts` has downloaded.
    require_part(found=folder_of("ecoscope").is_dir(), part="ecoscope")
    large = Checkout(root=tmp_path / "large é")
    large.root.mkdir()
    copy_repository(large.root, large=True)
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
def test_the_locks_of_workflows_on_ecoscope_are_solved_for_all_platforms(
    checkout: Callable[[], Checkout],
) -> None:
    large = checkout()
    add_large(large.root)
    locks = {path: path.read_text() for name in LARGE for path in _locks_of(large, name)}
    assert len(locks) == len(LARGE)
    for lock, text in locks.items():
        for platform in ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64"):
            assert f"      {platform}:" in text
        lock.unlink()
    # Their packages are needed, not what tests them.
    assert large.flowlock("build", "--no-tests", *LARGE).code == 0
    done = large.flowlock("--profile", "conda-forge", "lock", *LARGE, "--repodata", SNAPSHOT)
    assert done.code == 0, done.err
    for lock, text in locks.items():
        assert lock.read_text() == text


def _locks_of(checkout: Checkout, name: str) -> Iterator[Path]:
    return (checkout.root / "examples" / name).glob("*/pixi.lock")
