"""The tests of the hand-written jobs in locations/services, in the environment that has Dagster."""

import os
import subprocess
from pathlib import Path

from servers.dagster_stack import BIN
from servers.postgres import PARTS
from shared import ROOT, require_part

PACKAGE = ROOT / "locations/services/flowlock-services-jobs"
IMPORTED = ("flowlock-core", "flowlock-dagster", "flowlock-ext-privacy", "flowlock-ext-tabular")


def test_the_tests_of_the_package_pass(tmp_path: Path) -> None:
    require_part(found=BIN.is_dir(), part="Dagster")
    require_part(found=(PARTS / "bin/moto_server").is_file(), part="moto")
    sources = [str(ROOT / "src" / name) for name in IMPORTED]
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sources),
        "PATH": os.pathsep.join([str(PARTS / "bin"), os.environ["PATH"]]),
    }
    command: list[str | Path] = [
        BIN / "python",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--basetemp",
        tmp_path / "t",
    ]
    done = subprocess.run(command, cwd=PACKAGE, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
