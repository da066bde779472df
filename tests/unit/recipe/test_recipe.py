from typing import Any

import pytest
import yaml

from flowlock.conda.noarch import Noarch
from flowlock.errors import FlowlockError
from flowlock.recipe.consistency import consistency
from flowlock.recipe.document import Recipe, parse, yaml_text
from flowlock.recipe.render import render
from flowlock.workspace import load
from shared import ROOT

PYPROJECT: dict[str, Any] = {
    "project": {
        "name": "Some_Package",
        "version": "1.10",
        "description": "Does something",
        "requires-python": ">=3.11",
        "license": "BSD-3-Clause",
        "license-files": ["LICENSE"],
        "dependencies": ["typing_extensions>=4", "numpy~=2.1,!=2.2.0", 'colorama; sys_platform == "win32"'],
        "scripts": {"some": "some_package:main"},
    }
}
NAMES = {"typing-extensions": "typing_extensions"}


def rendered(**project: Any) -> Recipe:
    document = {"project": {**PYPROJECT["project"], **project}}
    return render(
        document, source="../../src/p", backend="hatchling ==1.30.1", installer="uv ==0.11.21", names=NAMES
    )


def problems(text: str) -> dict[str, int | None]:
    with pytest.raises(FlowlockError) as caught:
        parse(text, "recipe.yaml")
    found = caught.value.problems
    return {problem.code: problem.location.line if problem.location else None for problem in found}


def test_a_rendered_recipe_reads_back_as_the_same() -> None:
    recipe = rendered()
    assert parse(yaml_text(recipe), "recipe.yaml") == recipe
    assert (recipe.name, recipe.version, recipe.noarch) == ("some-package", "1.10", Noarch.PYTHON)


def test_requirements_become_match_specs_and_markers_are_left_out() -> None:
    assert rendered().requirements("run") == (
        "python >=3.11",
        "typing_extensions >=4",
        "numpy >=2.1,2.*,!=2.2.0",
    )


def test_commands_stand_in_the_entry_points() -> None:
    assert rendered().entry_points == ("some = some_package:main",)


@pytest.mark.parametrize(
    "name",
    [
        "flowlock",
        "flowlock-core",
        "flowlock-dagster",
        "flowlock-ext-ecoscope",
        "flowlock-ext-privacy",
        "flowlock-ext-tabular",
        "flowlock-serve",
        "flowlock-services-jobs",
    ],
)
def test_the_recipes_of_this_repository_agree_with_their_pyprojects(name: str) -> None:
    from flowlock.commands.recipe import recipe_problems

    assert not [p for p in recipe_problems(load(ROOT)) if p.location and name in p.location.file]


def test_disagreements_show_both_places() -> None:
    recipe = rendered()
    text = yaml_text(recipe).replace("1.10", "1.9").replace("numpy >=2.1", "numpy >=2.0")
    text = text.replace("some = some_package:main", "some = some_package:other")
    found = consistency(
        parse(text, "r"),
        PYPROJECT,
        folder="some-package",
        names=NAMES,
        recipe_file=("recipe.yaml", text),
        pyproject_file=("pyproject.toml", 'version = "1.10"\n"numpy~=2.1,!=2.2.0"\n'),
    )
    assert {problem.code for problem in found} == {"FL320", "FL321", "FL322"}
    version = next(problem for problem in found if problem.code == "FL320")
    assert str(version.location) == "recipe.yaml:2"
    assert version.message == "version: 1.9 here, 1.10 in pyproject.toml:1"


def test_a_requirement_with_a_marker_may_stand_in_the_recipe_or_not() -> None:
    text = yaml_text(rendered()).replace("- numpy", "- colorama\n    - numpy")
    assert not consistency(
        parse(text, "r"),
        PYPROJECT,
        folder="some-package",
        names=NAMES,
        recipe_file=("r", text),
        pyproject_file=("p", ""),
    )


def test_what_a_recipe_must_not_say_is_refused_with_its_line() -> None:
    assert problems("package: ]") == {"FL101": 1}
    assert problems("a: 1\na: 2\n") == {"FL102": 2}
    assert problems("packge: {}\npackage: {name: x, version: '1'}\n") == {"FL311": 1}
    assert problems("package:\n  name: x\n  version: 1.10\n") == {"FL311": 3}
    base = "package: {name: x, version: '1'}\n"
    assert problems(base + "source:\n  path: /etc\n") == {"FL312": 3}
    assert problems(base + "about:\n  license_file: ../../LICENSE\n") == {"FL312": 3}
    pin = "requirements:\n  run:\n    - ${{ pin_subpackage('y', exact=True) }}\n"
    assert problems(base + pin) == {"FL313": 4}


def test_formatting_and_place_do_not_change_the_canonical_text() -> None:
    recipe = rendered()
    flow = yaml.safe_dump(dict(recipe.document), default_flow_style=True)
    moved = yaml_text(recipe).replace("../../src/p", "../elsewhere") + "# a comment\n"
    assert parse(flow, "r").canonical_text == recipe.canonical_text == parse(moved, "r").canonical_text


def test_requirements_behind_selectors_are_all_seen() -> None:
    selector = "{if: linux, then: [a], else: b}"
    text = f"package: {{name: x, version: '1'}}\nrequirements:\n  host:\n    - {selector}\n"
    assert parse(text, "r").requirements("host") == ("a", "b")


def test_what_has_no_conda_equivalent_is_refused() -> None:
    with pytest.raises(ValueError, match="requests an extra"):
        rendered(dependencies=["uvicorn[standard]>=1"])
    with pytest.raises(ValueError, match="has a URL"):
        rendered(dependencies=["x @ https://example.org/x.whl"])
