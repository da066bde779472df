"""What recipes, pyprojects and flowlock.toml say of one package agrees, or is refused before a build."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowlock.builder.plan.targets import targets
from flowlock.commands.init import init
from flowlock.commands.recipe import recipe_problems, show_recipe
from flowlock.errors import FlowlockError, Problem
from flowlock.tasks import discover
from flowlock.workspace import load

TODAY = datetime(2026, 11, 1, tzinfo=UTC)
RECIPE, PROJECT = "recipes/space-tasks/recipe.yaml", "src/space-tasks/pyproject.toml"
NO_UTF8 = b"# caf\xe9\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A new workspace in a repository."""
    root = tmp_path / "space"
    init(root, today=TODAY)
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def problems_of(action: Callable[[], object]) -> list[Problem]:
    with pytest.raises(FlowlockError) as caught:
        action()
    return list(caught.value.problems)


def refused_alike(root: Path) -> Problem:
    """Return the one problem that a check tells of, and for which a build is refused."""
    (problem,) = recipe_problems(load(root))
    assert problems_of(lambda: targets(load(root))) == [problem]
    return problem


def test_a_new_workspace_has_no_problems(root: Path) -> None:
    assert recipe_problems(load(root)) == []


@pytest.mark.parametrize("name", ["moon-tasks", "12"])
def test_a_recipe_with_another_name_than_its_package_is_refused_with_both_places(
    root: Path, name: str
) -> None:
    change(root / RECIPE, "  name: space-tasks", f"  name: {name}")
    problem = refused_alike(root)
    assert (problem.code, str(problem.location)) == ("FL323", f"{RECIPE}:5")
    assert problem.message == f"name: {name} here, space-tasks in {PROJECT}:6"


def test_a_pyproject_with_another_name_than_its_folder_is_refused(root: Path) -> None:
    change(root / PROJECT, 'name = "space-tasks"', 'name = "moon-tasks"')
    assert refused_alike(root).message == f"name: space-tasks here, moon-tasks in {PROJECT}:6"
    change(root / RECIPE, "  name: space-tasks", "  name: moon-tasks")
    problem = refused_alike(root)
    assert problem.message == f"name: moon-tasks here, moon-tasks in {PROJECT}:6"
    assert (
        problem.hint == "name the package space-tasks in both files, like "
        "its folder, or rename its folders too"
    )


def test_a_copy_that_has_the_name_of_the_original_does_not_take_its_place(root: Path) -> None:
    for folder in ("src", "recipes"):
        shutil.copytree(root / folder / "space-tasks", root / folder / "moon-tasks")
    change(root / "recipes/moon-tasks/recipe.yaml", "src/space-tasks", "src/moon-tasks")
    problem = refused_alike(root)
    assert (problem.code, str(problem.location)) == ("FL323", "recipes/moon-tasks/recipe.yaml:5")


def test_names_that_differ_in_spelling_alone_agree(root: Path) -> None:
    change(root / PROJECT, 'name = "space-tasks"', 'name = "Space_Tasks"')
    assert recipe_problems(load(root)) == []


def test_the_hint_of_a_package_without_a_recipe_works_as_it_stands(root: Path) -> None:
    shutil.copytree(root / "src/space-tasks", root / "src/moon-tasks")
    named, missing = recipe_problems(load(root))
    assert (named.code, str(named.location)) == ("FL323", "src/moon-tasks/pyproject.toml:6")
    assert problems_of(lambda: show_recipe(load(root), "moon-tasks")) == [named]

    change(root / "src/moon-tasks/pyproject.toml", "space-tasks", "moon-tasks")
    assert recipe_problems(load(root)) == [missing]
    assert missing.code == "FL315"
    command = (missing.hint or "").split("`")[1]
    literally = command.replace("flowlock ", f"{shlex.quote(sys.executable)} -m flowlock ", 1)
    subprocess.run(["sh", "-c", literally], cwd=root, check=True)
    assert recipe_problems(load(root)) == []


def test_versions_that_differ_are_refused_and_commands_are_left_to_the_check(root: Path) -> None:
    change(root / PROJECT, "pandas>=2.2", "pandas>=2.1")
    assert [problem.code for problem in recipe_problems(load(root))] == ["FL321"]
    assert "space-tasks" in targets(load(root))
    change(root / RECIPE, "version: 0.1.0", "version: 0.2.0")
    assert [problem.code for problem in recipe_problems(load(root))] == ["FL320", "FL321"]
    assert [problem.code for problem in problems_of(lambda: targets(load(root)))] == ["FL320"]


def test_a_package_whose_pyproject_says_nothing_has_nothing_to_agree_with(root: Path) -> None:
    (root / PROJECT).write_text("[tool.mine]\n")
    assert recipe_problems(load(root)) == []


@pytest.mark.parametrize(
    ("said", "other"), [("hatchling ==1.29.0", "backend"), ("uv ==0.11.20", "installer")]
)
def test_a_host_pin_against_the_build_tools_is_refused_with_both_places(
    root: Path, said: str, other: str
) -> None:
    now = {"backend": "hatchling ==1.30.1", "installer": "uv ==0.11.21"}[other]
    change(root / "flowlock.toml", f'{other} = "{now}"', f'{other} = "{said}"')
    problem = refused_alike(root)
    line = next(n for n, row in enumerate((root / RECIPE).read_text().splitlines(), 1) if now in row)
    assert (problem.code, str(problem.location)) == ("FL324", f"{RECIPE}:{line}")
    assert problem.message.startswith(f"host requirement: `{now}` here, but [build] {other} in flow")
    assert problem.hint == f"write `{said}` here, or change [build] {other} for all packages"


@pytest.mark.parametrize("spec", ["hatchling", "hatchling >=1.27", "hatchling 1.30.* py_0", "hatchling=1.30"])
def test_a_host_requirement_that_the_build_tools_satisfy_is_none(root: Path, spec: str) -> None:
    change(root / RECIPE, "hatchling ==1.30.1", spec)
    assert recipe_problems(load(root)) == []


def test_a_vendored_recipe_is_held_against_the_build_tools_too(root: Path) -> None:
    vendored = root / "recipes/vendor/knots/recipe.yaml"
    vendored.parent.mkdir(parents=True)
    vendored.write_text(
        "package: {name: knots, version: '1.0'}\n"
        "source: {url: https://example.org/knots-1.0.tar.gz, sha256: " + "a" * 64 + "}\n"
        "build: {noarch: python, script: [pip install .]}\n"
        "requirements: {host: [python, hatchling ==1.2.0]}\n"
        "extra: {epoch: '2026-01-31T00:00:00Z'}\n"
    )
    assert recipe_problems(load(root)) == []
    change(root / RECIPE, "    - pandas", "    - knots\n    - pandas")
    change(root / PROJECT, '  "pandas', '  "knots",\n  "pandas')
    problem = refused_alike(root)
    assert (problem.code, str(problem.location)) == ("FL324", "recipes/vendor/knots/recipe.yaml:4")


def test_packages_that_need_each_other_are_told_by_the_check(root: Path) -> None:
    for folder in ("src", "recipes"):
        shutil.copytree(root / folder / "space-tasks", root / folder / "moon-tasks")
    for path in (root / "src/moon-tasks/pyproject.toml", root / "recipes/moon-tasks/recipe.yaml"):
        change(path, "space-tasks", "moon-tasks")
    change(root / RECIPE, "    - uv ==", "    - moon-tasks\n    - uv ==")
    change(root / "recipes/moon-tasks/recipe.yaml", "    - uv ==", "    - space-tasks\n    - uv ==")
    (problem,) = recipe_problems(load(root))
    assert problem.code == "FL520"
    assert "moon-tasks → space-tasks" in problem.message


def test_a_license_file_that_is_not_there_is_named_and_patterns_are_left_alone(root: Path) -> None:
    recipe = root / RECIPE
    recipe.write_text(
        recipe.read_text() + "  license_file:\n    - LICENSE\n    - COPYING*\n    - README.md\n"
    )
    problem = refused_alike(root)
    assert (problem.code, str(problem.location)) == ("FL325", f"{RECIPE}:35")
    assert problem.message == "license_file: `LICENSE` does not exist in src/space-tasks"
    (root / "src/space-tasks/LICENSE").write_text("Free for all.\n")
    assert recipe_problems(load(root)) == []


@pytest.mark.parametrize("file", [RECIPE, PROJECT, "flowlock.toml", "recipes/variants.yaml"])
def test_bytes_that_are_not_utf_8_are_told_with_their_place(root: Path, file: str) -> None:
    path = root / file
    if file.endswith("variants.yaml"):
        change(root / RECIPE, "  noarch: python\n", "")
    with path.open("ab") as stream:
        stream.write(NO_UTF8)
    line = len(path.read_bytes().splitlines())
    (problem,) = problems_of(lambda: targets(load(root)))
    assert (problem.code, str(problem.location)) == ("FL014", f"{file}:{line}:6")
    if file == RECIPE:
        assert recipe_problems(load(root)) == [problem]


@pytest.mark.parametrize(
    ("old", "new", "told", "words"),
    [
        ('requires-python = ">=3.11"', 'requires-python = "3.x"', (10, "FL331"), "not a version specifier"),
        ('requires-python = ">=3.11"', "requires-python = 3.11", (10, "FL332"), "valid string"),
        ('  "pandas>=2.2",', '  "pandas=>2",', (13, "FL331"), "the dependency `pandas=>2` cannot be read"),
        ('  "pandas>=2.2",', "  7,", (13, "FL332"), "valid string"),
        ('name = "space-tasks"', "", (5, "FL332"), "it is missing"),
        ('name = "space-tasks"', 'name = "space tasks"', (6, "FL331"), "not a valid distribution name"),
        ('readme = "README.md"', "scripts = 5", (9, "FL332"), "valid dictionary"),
        ('readme = "README.md"', "readme = README.md", (9, "FL302"), "not TOML"),
        ('readme = "README.md"', 'name = "space"', (9, "FL330"), "given twice"),
        ('readme = "README.md"', f"readme = {'[' * 100}", (9, "FL329"), "too large"),
    ],
)
def test_what_a_pyproject_must_not_say_is_refused_with_its_line(
    root: Path, old: str, new: str, told: tuple[int, str], words: str
) -> None:
    change(root / PROJECT, old, new)
    (problem,) = problems_of(lambda: discover.signatures(load(root), []))
    assert words in problem.message
    assert problem.location
    assert problem.location.file == PROJECT
    assert (problem.location.line, problem.code) == told
    assert recipe_problems(load(root)) == [problem]


def test_all_that_is_wrong_in_a_pyproject_is_told_together(root: Path) -> None:
    change(root / PROJECT, ">=3.11", "3.x")
    change(root / PROJECT, "pandas>=2.2", "pandas=>2")
    assert len(problems_of(lambda: discover.signatures(load(root), []))) == 2


def test_folders_that_cannot_name_a_package_are_told_together(root: Path) -> None:
    for name in ("My Tasks", "Über"):
        shutil.copytree(root / "src/space-tasks", root / "src" / name)
    found = problems_of(lambda: load(root))
    assert [(one.code, str(one.location)) for one in found] == [
        ("FL306", "src/My Tasks"),
        ("FL306", "src/Über"),
    ]
