"""`flowlock init`: a workspace whose task, spec and test cases fit together from the first moment."""

import os
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from flowlock import workspace
from flowlock.commands.compile import compile_workflows
from flowlock.commands.init import BACKEND, INSTALLER, init
from flowlock.errors import FlowlockError
from flowlock.report.reporter import Silent
from shared import ROOT

TODAY = datetime(2026, 11, 1, tzinfo=UTC)


def test_the_new_workspace_compiles_tests_and_runs(tmp_path: Path) -> None:
    root = tmp_path / "a b é" / "new-space"
    result = init(root, today=TODAY)
    assert "git init -b main" in result.as_text()
    subprocess.run(["git", "init", "-q", root], check=True)
    space = workspace.load(root)
    assert space.name == "new-space"
    assert [package.name for package in space.packages] == ["new-space-tasks"]
    assert all(package.recipe.is_file() for package in space.packages)
    assert compile_workflows(space, [], check=False, progress=Silent()).ok
    paths = [root / "src/new-space-tasks", root / "examples/hello/flowlock-hello-workflow"]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, paths))}
    module = [sys.executable, "-m", "flowlock_hello_workflow"]
    cases = str(root / "examples/hello/test-cases.yaml")
    params = str(root / "examples/hello/params.yaml")
    for command in (
        [*module, "test", cases],
        [*module, "run", "--params", params, "--results", str(tmp_path / "results")],
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(root / "tests")],
    ):
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results/dashboard.html").is_file()


def test_the_same_day_and_name_give_the_same_files(tmp_path: Path) -> None:
    for parent in ("one", "two"):
        init(tmp_path / parent / "space", today=TODAY)
    first, second = (
        {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "one/space", tmp_path / "two/space")
    )
    assert first == second


def test_the_build_tools_are_those_that_this_workspace_is_built_with(tmp_path: Path) -> None:
    init(tmp_path / "birds")
    ours, new = (tomllib.loads((root / "flowlock.toml").read_text()) for root in (ROOT, tmp_path / "birds"))
    assert new["build"] == ours["build"]
    assert ours["build"]["backend"] == BACKEND
    assert ours["build"]["installer"] == INSTALLER


def test_the_run_time_that_workflows_ask_for_is_the_toolchains_whatever_the_workspaces_version(
    tmp_path: Path,
) -> None:
    root = tmp_path / "birds"
    init(root, today=TODAY)
    subprocess.run(["git", "init", "-q", root], check=True)
    settings = root / "flowlock.toml"
    settings.write_text(settings.read_text().replace('version = "0.1.0"', 'version = "7.0.0"'))
    assert compile_workflows(workspace.load(root), [], check=False, progress=Silent()).ok
    made = tomllib.loads((root / "examples/hello/flowlock-hello-workflow/pyproject.toml").read_text())
    assert made["project"]["version"] == "7.0.0"
    assert f"flowlock-core>={version('flowlock-core')}" in made["project"]["dependencies"]


@pytest.mark.parametrize("name", ["Über", "1st", "a_b", "-x", "x-", "a b", "x" * 51])
def test_a_name_that_no_package_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FlowlockError) as raised:
        init(tmp_path / name)
    assert raised.value.problems[0].code == "FL306"
    assert not (tmp_path / name).exists()


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "space"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(FlowlockError) as raised:
        init(folder)
    assert raised.value.problems[0].code == "FL307"
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_a_fresh_repository_is_as_good_as_an_empty_folder(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path / "space"], check=True)
    result = init(tmp_path / "space", today=TODAY)
    assert result.ok
    assert "git init" not in result.as_text()


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowlockError):
        init(tmp_path / "file" / "space")
