"""`flowlock new location`: what is written, and what is refused without a change."""

import tomllib
from pathlib import Path

import pytest

from flowlock import workspace
from flowlock.commands.compile import compile_workflows
from flowlock.commands.init import init
from flowlock.commands.new import new_package
from flowlock.commands.new_location import new_location
from flowlock.commands.recipe import recipe_problems
from flowlock.errors import FlowlockError, Problem
from flowlock.report.reporter import Silent
from flowlock.workspace import Workspace


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    root = tmp_path / "a b é" / "birds"
    init(root)
    return workspace.load(root)


def tree_of(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def refused(space: Workspace, name: str) -> Problem:
    before = tree_of(space.root)
    with pytest.raises(FlowlockError) as error:
        new_location(space, name)
    assert tree_of(space.root) == before
    return error.value.problems[0]


def test_the_table_stands_at_the_end_of_settings_that_are_as_before(space: Workspace) -> None:
    settings = space.root / "flowlock.toml"
    settings.write_text(f"{settings.read_text()}\n# The end.  \n\n")
    before = settings.read_text()
    result = new_location(space, "rivers")
    text = settings.read_text()
    assert text.startswith(before.rstrip())
    table = tomllib.loads(text)["location"]
    assert (table["name"], table["workflows"], table["packages"]) == ("rivers", ["hello"], ["rivers-jobs"])
    assert {"flowlock.toml", "recipes/rivers-jobs/recipe.yaml"} < set(result.written)


def test_the_location_compiles_and_its_package_is_one_of_the_workspace(space: Workspace) -> None:
    new_location(space, "rivers")
    space = workspace.load(space.root)
    assert "rivers-jobs" in space.package_names
    assert not recipe_problems(space)
    compiled = compile_workflows(space, [], check=False, progress=Silent())
    assert [each.name for each in compiled.workflows] == ["hello", "rivers"]
    (definitions,) = space.root.glob("locations/rivers/flowlock-rivers-location/*/definitions.py")
    assert 'packages=["rivers-jobs"]' in definitions.read_text()


@pytest.mark.parametrize("name", ["Rivers", "1st", "a_b", "a" * 41, "", "../x"])
def test_a_name_that_no_distribution_can_have_is_refused(space: Workspace, name: str) -> None:
    assert refused(space, name).code == "FL306"


def test_a_second_location_is_refused_with_the_name_of_the_first(space: Workspace) -> None:
    new_location(space, "rivers")
    error = refused(workspace.load(space.root), "lakes")
    assert (error.code, "rivers" in error.message) == ("FL349", True)


@pytest.mark.parametrize("name", ["hello", "birds-tasks"])
def test_the_name_of_a_workflow_or_a_package_is_refused(space: Workspace, name: str) -> None:
    assert refused(space, name).code == "FL349"


def test_a_package_or_a_folder_that_is_there_is_not_overwritten(space: Workspace) -> None:
    (space.root / "locations/lakes").mkdir(parents=True)
    (space.root / "locations/lakes/notes.md").write_text("kept")
    assert refused(space, "lakes").code == "FL349"
    new_package(space, "rivers-jobs")
    assert refused(workspace.load(space.root), "rivers").code == "FL349"


def test_without_a_workflow_there_is_nothing_to_run(space: Workspace) -> None:
    (space.workflows / "hello/spec.yaml").unlink()
    error = refused(space, "rivers")
    assert error.code == "FL960"
    assert "new workflow" in str(error.hint)
