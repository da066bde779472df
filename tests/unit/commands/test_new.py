"""`flowlock new`: what is made passes `check` and its tests, and what cannot be made changes nothing."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import yaml

from flowlock import workspace
from flowlock.commands.check import check
from flowlock.commands.compile import compile_workflows
from flowlock.commands.init import init
from flowlock.commands.new import LARGEST_DATA, new_package, new_task, new_workflow
from flowlock.errors import FlowlockError
from flowlock.report.reporter import Format, Silent
from flowlock.workspace import Workspace
from shared import ROOT

LEVELS = "day,gauge,level\n2026-03-01,Mill,112.5\n2026-03-02,Mill,\n2026-03-01,Weir,75\n2026-03-02,Weir,79\n"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    root = tmp_path / "a b é" / "birds"
    init(root)
    subprocess.run(["git", "init", "-q", root], check=True)
    return workspace.load(root)


def tree(root: Path) -> dict[str, bytes]:
    made = {".git", ".flowlock", "__pycache__"}
    paths = [path for path in root.rglob("*") if path.is_file() and not made & set(path.parts)]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def tasks_used(root: Path, name: str) -> list[str]:
    spec = yaml.safe_load((root / "examples" / name / "spec.yaml").read_text())
    return [step["task"] for step in spec["workflow"]]


def run_cases(space: Workspace, name: str) -> None:
    """Check and compile a workflow, and run its test cases with what is installed here."""
    found = check(space, [], form=Format.TEXT, progress=Silent(), strict=True)
    assert found.ok, found.as_text()
    assert compile_workflows(space, [name], check=False, progress=Silent()).ok
    workflow = space.workflow(name)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(workflow.package)}
    module = workflow.distribution.replace("-", "_")
    argv = [sys.executable, "-m", module, "test", str(workflow.folder / "test-cases.yaml")]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        (LEVELS, "draw_line_chart"),
        ("x,y,id\n1,2.5,7\n2,,8\n", "draw_scatter_plot"),
        ("kind,n\na,1\na,3\nb,5\n", "draw_bar_chart"),
        ("n\n1\n2\n5\n", "draw_histogram"),
        ("name\nAda\nGrace\n", None),
        ("on,1e5,null\nyes,0x10,12:30\n", None),
        ("n\n", None),
    ],
)
def test_the_chart_fits_the_columns(space: Workspace, tmp_path: Path, text: str, drawn: str | None) -> None:
    data = tmp_path / "my tàble.csv"
    data.write_text(text)
    new_workflow(space, "first-look", data=data, progress=Silent())
    charts = [task for task in tasks_used(space.root, "first-look") if task.startswith("draw_")]
    assert charts == ([drawn] if drawn else [])
    assert (space.workflows / "first-look" / data.name).read_bytes() == data.read_bytes()
    run_cases(space, "first-look")


def test_times_are_loaded_as_times_and_every_column_is_named(space: Workspace, tmp_path: Path) -> None:
    data = tmp_path / "levels.csv"
    data.write_text(LEVELS)
    new_workflow(space, "levels", data=data, progress=Silent())
    spec = yaml.safe_load((space.workflows / "levels/spec.yaml").read_text())
    assert spec["workflow"][0]["partial"] == {
        "columns": ["day", "gauge", "level"],
        "time_columns": ["day"],
    }


def test_a_word_that_may_mean_a_missing_value_is_written_down(space: Workspace) -> None:
    new_workflow(space, "penguins", data=ROOT / "examples/penguins/penguins.csv", progress=Silent())
    params = yaml.safe_load((space.workflows / "penguins/params.yaml").read_text())
    assert params == {"table": {"path": "penguins.csv", "null_words": ["NA"]}}
    run_cases(space, "penguins")


@pytest.mark.parametrize("suffix", [".parquet", ".xlsx", ".json"])
def test_every_format_of_a_table_will_do(space: Workspace, tmp_path: Path, suffix: str) -> None:
    data = tmp_path / f"table{suffix}"
    table = pd.DataFrame({"km": [1.5, 2.5], "n": [1, 2]})
    if suffix == ".parquet":
        table.to_parquet(data)
    elif suffix == ".json":
        table.to_json(data, orient="records")
    else:
        pytest.importorskip("openpyxl", reason="openpyxl writes the Excel file of this test")
        table.to_excel(data, index=False)
    new_workflow(space, "table_look", data=data, progress=Silent())
    run_cases(space, "table_look")


def test_without_data_a_sample_comes_along(space: Workspace) -> None:
    result = new_workflow(space, "sample", data=None, progress=Silent())
    assert "examples/sample/trips.csv" in result.written
    run_cases(space, "sample")


def test_a_task_of_a_new_package_is_known_tested_and_required(space: Workspace) -> None:
    new_package(space, "more-tasks")
    space = workspace.load(space.root)
    result = new_task(space, "keep_measured", package="more-tasks", progress=Silent())
    assert "tests/test_keep_measured.py" in result.written
    project = tomllib.loads((space.root / "src/more-tasks/pyproject.toml").read_text())["project"]
    assert project["entry-points"]["flowlock.tasks"] == {
        "keep_measured": "more_tasks.keep_measured:keep_measured"
    }
    assert "pandas>=2.2" in project["dependencies"]
    recipe = yaml.safe_load((space.root / "recipes/more-tasks/recipe.yaml").read_text())
    assert "pandas >=2.2" in recipe["requirements"]["run"]
    assert "`keep_measured`" in (space.root / "src/more-tasks/README.md").read_text()
    found = check(space, [], form=Format.TEXT, progress=Silent(), strict=True)
    assert found.ok, found.as_text()
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(space.root / "tests")]
    done = subprocess.run(argv, cwd=space.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_comments_and_order_of_files_that_a_task_is_added_to_stay(space: Workspace) -> None:
    project = space.root / "src/birds-tasks/pyproject.toml"
    project.write_text(project.read_text().replace("[project.entry", "# Names of specs.\n[project.entry"))
    recipe = space.root / "recipes/birds-tasks/recipe.yaml"
    recipe.write_text(recipe.read_text().replace("    - pandas >=2.2\n", "    - numpy  # for speed\n"))
    before = project.read_text(), recipe.read_text()
    new_task(space, "keep_measured", package=None, progress=Silent())
    added = 'keep_measured = "birds_tasks.keep_measured:keep_measured"\n'
    assert project.read_text().replace(added, "") == before[0]
    assert recipe.read_text().replace("    - pandas >=2.2\n", "") == before[1]


@pytest.mark.parametrize(
    ("name", "code"),
    [("hello", "FL349"), ("class", "FL346"), ("2nd", "FL346"), ("load_table", "FL346"), ("a" * 40, "FL346")],
)
def test_a_workflow_of_such_a_name_is_refused_and_nothing_is_written(
    space: Workspace, name: str, code: str
) -> None:
    before = tree(space.root)
    with pytest.raises(FlowlockError) as raised:
        new_workflow(space, name, data=None, progress=Silent())
    assert raised.value.problems[0].code == code
    assert tree(space.root) == before


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("ragged.csv", b"a,b\n1,2,3\n", "FL730"),
        ("table.html", b"<table>", "FL732"),
        ("table.parquet", b"no parquet", "FL730"),
        ("large.csv", b"a\n" + b"1\n" * (LARGEST_DATA // 2), "FL348"),
    ],
)
def test_data_that_cannot_be_loaded_leaves_nothing(
    space: Workspace, tmp_path: Path, file: str, content: bytes, code: str
) -> None:
    data = tmp_path / file
    data.write_bytes(content)
    before = tree(space.root)
    with pytest.raises(FlowlockError) as raised:
        new_workflow(space, "look", data=data, progress=Silent())
    assert raised.value.problems[0].code == code
    assert raised.value.problems[0].hint
    assert "flowlock-tmp" not in raised.value.message
    assert tree(space.root) == before


def test_a_task_that_exists_and_an_unknown_package_are_refused(space: Workspace) -> None:
    before = tree(space.root)
    for name, package, code in [
        ("add_ratio", None, "FL349"),
        ("Mean Level", None, "FL346"),
        ("mean_level", "bird-tasks", "FL347"),
    ]:
        with pytest.raises(FlowlockError) as raised:
            new_task(space, name, package=package, progress=Silent())
        assert raised.value.problems[0].code == code
    assert tree(space.root) == before


def test_several_packages_must_be_chosen_from(space: Workspace) -> None:
    new_package(space, "more-tasks")
    with pytest.raises(FlowlockError, match="does not have exactly one package"):
        new_task(workspace.load(space.root), "mean_level", package=None, progress=Silent())


def test_a_recipe_that_lists_in_one_line_is_left_alone(space: Workspace) -> None:
    recipe = space.root / "recipes/birds-tasks/recipe.yaml"
    document = yaml.safe_load(recipe.read_text())
    document["requirements"]["run"] = ["python >=3.11", "flowlock-core >=0.1.0"]
    recipe.write_text(yaml.safe_dump(document, default_flow_style=None))
    before = tree(space.root)
    with pytest.raises(FlowlockError) as raised:
        new_task(space, "keep_measured", package=None, progress=Silent())
    assert raised.value.problems[0].code == "FL345"
    assert tree(space.root) == before
