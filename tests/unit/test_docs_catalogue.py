"""The catalogue of tasks: each task has an example, which has no problems and runs."""

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
from tools.docs.spec_slices import SpecSlice, slices

from flowlock import workspace
from flowlock.compile.package import render
from flowlock.errors import Severity
from flowlock.spec.catalog import Catalog
from flowlock.spec.facts import facts_of
from flowlock.spec.parse import parse
from flowlock.spec.rules.check import check_text
from flowlock.tasks.discover import signatures
from secret_keys import KEY, variables
from servers.parts import folder_of
from shared import ROOT, require_part

HERE = workspace.load(ROOT)
FOLDERS = sorted(path.parent for path in (ROOT / "docs/task-examples").glob("*/spec.yaml"))
# Their environments are larger than that of the tests, or need a server.
RUN_ELSEWHERE = {"database", "park", "tracks"}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return signatures(HERE)


@pytest.fixture(scope="module")
def examples() -> dict[str, SpecSlice]:
    return dict(slices([*(workflow.folder for workflow in HERE.workflow_list), *FOLDERS]))


def test_every_task_has_an_example(catalog: Catalog, examples: dict[str, SpecSlice]) -> None:
    missing = sorted(set(catalog.tasks) - set(examples))
    assert not missing, "add a step that uses each of them to a spec below docs/task-examples"


def test_an_example_is_a_spec_without_problems(catalog: Catalog, examples: dict[str, SpecSlice]) -> None:
    packages = {task.distribution for task in chain.from_iterable(catalog.tasks.values())}
    extra = ["adbc-driver-postgresql", "obstore"]
    requirements = "".join(f"  - name: {name}\n" for name in [*sorted(packages), *extra])
    wrong = {}
    for name, example in examples.items():
        steps = "".join(f"  {line}\n" if line else "\n" for line in example.steps.splitlines())
        text = f"id: example\nrequirements:\n{requirements}workflow:\n{steps}"
        _, problems = check_text(text, "spec.yaml", catalog, facts_of(HERE))
        errors = [problem.message for problem in problems if problem.severity is Severity.ERROR]
        if errors:
            wrong[name] = errors
    assert not wrong


def compiled(folder: Path, target: Path, catalog: Catalog) -> str:
    """Compile the spec of a folder into another; return the module that runs."""
    text = (folder / "spec.yaml").read_text()
    spec, problems = check_text(text, "spec.yaml", catalog, facts_of(HERE))
    assert spec is not None
    assert not [problem for problem in problems if problem.severity is Severity.ERROR], problems
    for path, content in render(spec, catalog, facts_of(HERE), source=text).items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    assert spec.id is not None
    return f"flowlock_{spec.id.value}_workflow"


def run_example(folder: Path, target: Path, catalog: Catalog, *, python: str) -> None:
    """Run the spec of a folder as its package would, with results in the target folder."""
    module = compiled(folder, target / "package", catalog)
    settings = variables("register", KEY)
    settings["FLOWLOCK_CONNECTIONS__VAULT__REGISTER__PATH"] = str(target / "vault.db")
    done = subprocess.run(
        [python, "-m", module, "run", "--results", str(target / "results")],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **settings, "PYTHONPATH": str(target / "package")},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_example_runs(folder: Path, tmp_path: Path, catalog: Catalog) -> None:
    if folder.name in RUN_ELSEWHERE:
        spec, problems = parse((folder / "spec.yaml").read_text(), "spec.yaml")
        assert spec is not None
        assert not problems
        return
    run_example(folder, tmp_path, catalog, python=sys.executable)


def test_the_example_of_tracks_runs_where_ecoscope_is(tmp_path: Path, catalog: Catalog) -> None:
    python = folder_of("ecoscope") / "bin" / Path(sys.executable).name
    require_part(found=python.exists(), part="ecoscope")
    run_example(ROOT / "docs/task-examples/tracks", tmp_path, catalog, python=str(python))
