"""What `flowlock new location` makes, in an environment that has Dagster: its own tests, and the check."""

import os
import subprocess
from pathlib import Path

import pytest

from checkout import Checkout
from servers.dagster_stack import BIN
from shared import ROOT, require_part


@pytest.fixture
def space(tmp_path: Path) -> Checkout:
    require_part(found=BIN.is_dir(), part="Dagster")
    root = tmp_path / "birds é" / "birds"
    root.parent.mkdir()
    made = Checkout(root=root)
    assert made.flowlock("init", str(root), cwd=tmp_path).code == 0
    return made


def test_a_new_location_passes_its_tests_and_the_check(space: Checkout) -> None:
    made = space.flowlock("new", "location", "rivers")
    assert made.code == 0, made.err
    compiled = space.flowlock("compile")
    assert compiled.code == 0, compiled.err
    checked = space.flowlock("location", "check", "--python", BIN / "python")
    assert checked.code == 0, checked.err
    package = space.root / "locations/rivers/rivers-jobs"
    sources = [str(ROOT / "src" / name) for name in ("flowlock-core", "flowlock-dagster")]
    done = subprocess.run(
        [BIN / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=package,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sources)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # The check reads what was made: a fault in it is found.
    definitions = package / "rivers_jobs/definitions.py"
    definitions.write_text(definitions.read_text().replace('"path": ', '"pth": '))
    wrong = space.flowlock("location", "check", "--python", BIN / "python")
    assert wrong.code == 1
    assert "FL931 the schedule nightly_report cannot run missing_values_report" in wrong.err
