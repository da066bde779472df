"""Recipes as people write them, built by the real engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from flowlock.commands.recipe import recipe_problems
from flowlock.conda import archive
from flowlock.errors import FlowlockError
from flowlock.names import Version
from flowlock.recipe.pins import bounds
from flowlock.workspace import load
from small import Small

PATCH = "--- a/data.txt\n+++ b/data.txt\n@@ -1 +1 @@\n-one\n\\ No newline at end of file\n+{}\n"


def artifact(small: Small, name: str) -> Path:
    (path,) = (path for path in small.archives() if path.name.startswith(f"{name}-1"))
    return path


def change(small: Small, name: str, **document: Any) -> None:
    small.write_recipe(name, {**small.recipe(name), **document})


def codes(small: Small) -> list[str]:
    return [problem.code for problem in recipe_problems(load(small.root))]


def test_a_patch_beside_the_recipe_is_applied_and_an_input_of_the_identity(small: Small) -> None:
    small.add_data("data")
    change(small, "data", source={"path": "../../src/data", "patches": ["fix.patch"]})
    assert codes(small) == ["FL327"]
    patch = small.root / "recipes" / "data" / "fix.patch"
    patch.write_text(PATCH.format("two"))
    assert codes(small) == []
    first = small.build().packages[0]
    members = {member.path: member.data for member in archive.read(artifact(small, "data"))}
    assert members["share/data.txt"] == b"two\n"
    patch.write_text(PATCH.format("three"))
    assert small.reasons() == {"data": "patches changed"}
    assert small.build().packages[0].artifact.build != first.artifact.build


def test_a_patch_that_git_ignores_is_refused(small: Small) -> None:
    small.add_data("data")
    change(small, "data", source={"path": "../../src/data", "patches": ["fix.patch"]})
    (small.root / "recipes" / "data" / "fix.patch").write_text(PATCH.format("two"))
    (small.root / "recipes" / "data" / ".gitignore").write_text("*.patch\n")
    with pytest.raises(FlowlockError, match="git does not track the patch") as caught:
        small.build()
    assert caught.value.problems[0].code == "FL327"


def test_a_pin_is_built_as_its_range_and_another_version_is_another_identity(small: Small) -> None:
    small.add_data("core")
    small.add_data("top")
    pin = "pin_subpackage('core', upper_bound='x.x')"
    change(small, "top", requirements={"run": [f"${{{{ {pin} }}}}"]})
    assert codes(small) == []
    small.build()
    before = artifact(small, "top").name
    index = json.loads(archive.read_info(artifact(small, "top"))["info/index.json"])
    assert index["depends"] == ["core >=1.0,<1.1.0a0"]
    change(small, "core", package={"name": "core", "version": "1.2"})
    small.build()
    assert artifact(small, "top").name != before


@pytest.mark.parametrize(("lower", "upper"), [("x.x", "x.x"), ("x", "x.x.x"), ("x.x.x.x.x.x", "x")])
def test_a_range_is_the_one_that_the_engine_gives_for_a_pin(small: Small, lower: str, upper: str) -> None:
    small.add_data("data")
    pin = f"pin_subpackage('data', lower_bound='{lower}', upper_bound='{upper}')"
    change(small, "data", requirements={"run_exports": {"weak": [f"${{{{ {pin} }}}}"]}})
    small.build()
    exports = json.loads(archive.read_info(artifact(small, "data"))["info/run_exports.json"])
    assert exports["weak"] == [f"data {bounds(Version('1.0'), lower, upper)}"]


def test_a_package_of_data_needs_no_pyproject(small: Small) -> None:
    (small.add_data("data") / "pyproject.toml").unlink()
    assert codes(small) == []
    assert [package.name for package in small.build().packages] == ["data"]


def test_a_name_made_by_a_filter_is_built(small: Small) -> None:
    small.add_data("data")
    change(small, "data", context={"name": "Data"}, package={"name": "${{ name | lower }}", "version": "1.0"})
    assert codes(small) == []
    assert small.build().packages[0].name == "data"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"about": {"license": "free for all"}}, "FL328"),
        ({"about": {"homepage": "nowhere"}}, "FL328"),
        ({"about": {"summary": "${{ nope }}"}}, "FL328"),
        ({"requirements": {"run": ["pandas =>2"]}}, "FL328"),
        ({"about": {"home": "https://example.org"}}, "FL311"),
        ({"requirements": {"run": [{"if": "win", "then": "a"}]}}, "FL319"),
    ],
)
def test_check_says_what_would_fail_the_build(small: Small, document: dict[str, Any], code: str) -> None:
    small.add_data("data")
    change(small, "data", **document)
    assert codes(small) == [code]
    with pytest.raises(FlowlockError):
        small.build()


def test_check_warns_of_sources_whose_names_collide_elsewhere(small: Small) -> None:
    folder = small.add_data("data")
    (folder / "DATA.txt").write_text("x")
    assert codes(small) == ["FL514"]
