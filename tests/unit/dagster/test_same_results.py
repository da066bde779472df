"""A workflow gives the same in Dagster as by its command, byte for byte."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowlock_core.cli import main
from servers.parts import use_parts
from shared import ROOT, once

if TYPE_CHECKING:
    import dagster as dg

EXAMPLES = ("carbon", "penguins", "clean-table", "wages")
# Of a workflow on ecoscope, whose 48 steps each load it in a process: minutes.
WAYS = ("in-process", "multiprocess") if os.environ.get("FLOWLOCK_STORM") == "long" else ("in-process",)
SKIPPED = "first years skipped"
NO_DATA = "period.time_range={since: 1970-01-01, until: 1999-12-31}"


def assert_same(example: str, of_dagster: Path, results: Path, *more: str) -> None:
    """Compare the files of a run with those that the workflow's command writes to `results`."""
    from dagster_jobs import workflow_of

    params = ROOT / "examples" / example / "params.yaml"
    arguments = ["run", "--quiet", "--no-cache", "--no-history", "--results", str(results)]
    assert main(workflow_of(example), [*arguments, "--params", str(params), *more]) == 0
    names = {path.relative_to(results) for path in results.rglob("*") if path.is_file()}
    assert Path("result.json") in names
    assert names == {path.relative_to(of_dagster) for path in of_dagster.rglob("*") if path.is_file()}
    for name in names:
        assert (of_dagster / name).read_bytes() == (results / name).read_bytes(), name


@pytest.mark.parametrize("kind", ["in-process", "one-op"])
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_files_of_a_run_are_those_of_the_command(
    example: str, kind: str, instance: "dg.DagsterInstance", tmp_path: Path
) -> None:
    from dagster_jobs import run, run_config

    results = run(example, kind, run_config(example), instance)
    assert_same(example, results.rename(tmp_path / "of Dagster"), results)


def test_steps_without_data_are_skipped_as_by_the_command(
    instance: "dg.DagsterInstance", tmp_path: Path
) -> None:
    from dagster_jobs import EMPTY_PERIOD, run, run_config

    results = run("carbon", "in-process", run_config("carbon", period=EMPTY_PERIOD), instance)
    assert_same("carbon", results.rename(tmp_path / "of Dagster"), results, "--set", NO_DATA)


@pytest.fixture(scope="module")
def in_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the examples, each op in a separate process; these are forked from one that is new."""

    def run_all(folder: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "dagster_jobs", str(folder)]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]

    return once(tmp_path_factory, "dagster in processes", run_all)


@pytest.mark.parametrize("run", [*EXAMPLES, SKIPPED])
def test_the_files_of_a_run_in_processes_are_those_of_the_command(
    run: str, in_processes: Path, tmp_path: Path
) -> None:
    example, more = ("carbon", ["--set", NO_DATA]) if run == SKIPPED else (run, [])
    results = Path((in_processes / run).read_text())
    assert_same(example, results.rename(tmp_path / "of Dagster"), results, *more)


@pytest.mark.storm
@pytest.mark.parametrize("kind", WAYS)
def test_the_workflow_on_ecoscope_gives_the_same(
    kind: str, instance: "dg.DagsterInstance", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_jobs import run, run_config

    # Dagster's packages come first where both have one.
    use_parts("ecoscope", "ecoscope")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    results = run("subject-tracking", kind, run_config("subject-tracking"), instance)
    assert_same("subject-tracking", results.rename(tmp_path / "of Dagster"), results)
