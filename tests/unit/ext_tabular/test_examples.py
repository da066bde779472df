"""The examples' own test cases, run as the packages' users would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared import ROOT


@pytest.mark.parametrize("name", ["penguins", "weather", "trends"])
def test_the_cases_of_an_example_pass_from_any_folder(name: str, tmp_path: Path) -> None:
    folder = ROOT / "examples" / name
    code = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main(sys.argv[1], sys.argv[2:]))"
    workflow = f"flowlock_{name}_workflow.workflow:{name}"
    done = subprocess.run(
        [sys.executable, "-c", code, workflow, "test", str(folder / "test-cases.yaml")],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(folder / f"flowlock-{name}-workflow")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["penguins", "weather"])
def test_an_example_runs_from_any_folder(name: str, tmp_path: Path) -> None:
    folder = ROOT / "examples" / name
    code = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main(sys.argv[1], sys.argv[2:]))"
    workflow = f"flowlock_{name}_workflow.workflow:{name}"
    done = subprocess.run(
        [sys.executable, "-c", code, workflow, "run", "--params", str(folder / "params.yaml")],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(folder / f"flowlock-{name}-workflow")},
    )
    assert done.returncode == 0, done.stderr
    page = tmp_path / "results" / "dashboard.html"
    assert done.stdout.splitlines()[-1] == str(page)
    assert page.stat().st_size < 6_000_000


def test_trends_are_the_same_on_each_executor(tmp_path: Path) -> None:
    folder = ROOT / "examples" / "trends"
    code = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main(sys.argv[1], sys.argv[2:]))"
    small = ("stations.count=5", "stations.years=4", "station_trends.resamples=20")
    settings = [argument for setting in small for argument in ("--set", setting)]
    tables = set()
    for executor in ("sequential", "threads", "processes"):
        done = subprocess.run(
            [
                *(sys.executable, "-c", code, "flowlock_trends_workflow.workflow:trends", "run"),
                *("--params", str(folder / "params.yaml"), *settings),
                *("--executor", executor, "--results", str(tmp_path / executor)),
            ],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(folder / "flowlock-trends-workflow")},
        )
        assert done.returncode == 0, done.stderr
        tables.add((tmp_path / executor / "trends.csv").read_bytes())
    assert len(tables) == 1
