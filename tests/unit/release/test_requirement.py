"""A requirement is moved in every file that people write it into, and nothing else of the file changes."""

import pytest
from packaging.requirements import Requirement

from flowlock.release.requirement import (
    EDITORS,
    EditedFile,
    RequirementMove,
    edited_manifest,
    edited_pyproject,
    edited_recipe,
    edited_spec,
    edited_workspace,
)

SPEC = """\
# What it needs.
id: demo
requirements:
  - name: flowlock-core   # the run time
    version: ">=0.1.0"    # quoted
    channel: https://prefix.dev/flowlock
  - {name: tidy-tasks, version: '==0.1.0'}
  - conda-forge::plain-tasks >=0.1,<2  # one text
  - requirement: "plain-tasks >=0.1"
  - name: bare-tasks
    channel: conda-forge
  - {name: bare-tasks}
workflow: []
"""
RECIPE = """\
context:
  version: 0.1.0
requirements:
  host:
    - python >=3.11
    - hatchling ==1.30.1  # as flowlock.toml
  run:
    - flowlock-core >=0.1.0  # ours
    - if: linux
      then: flowlock-core >=0.1.0
    - flowlock-core-extra >=0.1.0
tests:
  - requirements:
      run: ["flowlock-core >=0.1.0"]
about:
  summary: flowlock-core >=0.1.0
"""
PYPROJECT = """\
[build-system]
requires = ["hatchling==1.30.1"]  # pinned
[project]
name = "demo"
dependencies = [
  "Flowlock_Core[fast] >= 0.1.0 ; python_version < '4'",  # ours
  "natsort>=8.4",
]
[project.optional-dependencies]
more = ["flowlock-core (>=0.1.0,<2)"]
[dependency-groups]
dev = ["flowlock-core", {include-group = "other"}]
other = []
"""
MANIFEST = """\
[workspace]
name = "flowlock-core"
[dependencies]
flowlock-core = ">=0.1.0"  # ours
odd = "1|3"
[feature.a.target.win-64.dependencies]
flowlock-core = { version = ">=0.1.0,<2", channel = "conda-forge" }
[constraints]
flowlock-core = "*"
[tasks]
flowlock-core = "true"
[tool.other.dependencies]
flowlock-core = ">=0.1.0"
[environments]
more = { dependencies = { flowlock-core = "==0.1.0" } }
"""


def move(name: str, version: str) -> RequirementMove:
    return RequirementMove(name=name, wheels=frozenset({name}), version=version)


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    return [(old, new) for old, new in pairs if old != new]


def test_a_spec_keeps_comments_quotes_and_layout() -> None:
    edited = edited_spec(SPEC, "spec.yaml", move("flowlock-core", "0.2.0"))
    assert changed_lines(SPEC, edited.text) == [
        ('    version: ">=0.1.0"    # quoted', '    version: ">=0.2.0"    # quoted')
    ]
    assert [(change.line, change.old, change.new) for change in edited.changes] == [(5, ">=0.1.0", ">=0.2.0")]


def test_every_form_of_a_requirement_in_a_spec_is_moved() -> None:
    tidy = edited_spec(SPEC, "spec.yaml", move("tidy-tasks", "0.2.0")).text
    assert "  - {name: tidy-tasks, version: '==0.2.0'}\n" in tidy
    plain = edited_spec(SPEC, "spec.yaml", move("plain-tasks", "0.2")).text
    assert "  - conda-forge::plain-tasks >=0.2,<2  # one text\n" in plain
    assert '  - requirement: "plain-tasks >=0.2"\n' in plain
    bare = edited_spec(SPEC, "spec.yaml", move("bare-tasks", "0.2")).text
    assert '  - name: bare-tasks\n    version: ">=0.2"\n    channel: conda-forge\n' in bare
    assert '  - {name: bare-tasks, version: ">=0.2"}\n' in bare


def test_a_recipe_is_changed_in_requirements_and_nowhere_else() -> None:
    edited = edited_recipe(RECIPE, "recipe.yaml", move("flowlock-core", "0.2.0"))
    assert changed_lines(RECIPE, edited.text) == [
        ("    - flowlock-core >=0.1.0  # ours", "    - flowlock-core >=0.2.0  # ours"),
        ("      then: flowlock-core >=0.1.0", "      then: flowlock-core >=0.2.0"),
        ('      run: ["flowlock-core >=0.1.0"]', '      run: ["flowlock-core >=0.2.0"]'),
    ]


def test_a_pyproject_keeps_extras_markers_and_comments() -> None:
    edited = edited_pyproject(PYPROJECT, "pyproject.toml", move("flowlock-core", "0.2.0"))
    assert changed_lines(PYPROJECT, edited.text) == [
        (
            "  \"Flowlock_Core[fast] >= 0.1.0 ; python_version < '4'\",  # ours",
            "  \"Flowlock_Core[fast] >=0.2.0 ; python_version < '4'\",  # ours",
        ),
        ('more = ["flowlock-core (>=0.1.0,<2)"]', 'more = ["flowlock-core >=0.2.0,<2"]'),
        (
            'dev = ["flowlock-core", {include-group = "other"}]',
            'dev = ["flowlock-core>=0.2.0", {include-group = "other"}]',
        ),
    ]
    assert [change.line for change in edited.changes] == [6, 10, 12]


def test_a_pixi_manifest_is_changed_in_dependencies_of_every_feature_target_and_environment() -> None:
    edited = edited_manifest(MANIFEST, "pixi.toml", move("flowlock-core", "0.2.0"))
    assert changed_lines(MANIFEST, edited.text) == [
        ('flowlock-core = ">=0.1.0"  # ours', 'flowlock-core = ">=0.2.0"  # ours'),
        (
            'flowlock-core = { version = ">=0.1.0,<2", channel = "conda-forge" }',
            'flowlock-core = { version = ">=0.2.0,<2", channel = "conda-forge" }',
        ),
        ('flowlock-core = "*"', 'flowlock-core = ">=0.2.0"'),
        (
            'more = { dependencies = { flowlock-core = "==0.1.0" } }',
            'more = { dependencies = { flowlock-core = "==0.2.0" } }',
        ),
    ]
    assert [change.line for change in edited.changes] == [4, 7, 9, 15]
    wrong = edited_manifest(MANIFEST, "pixi.toml", move("odd", "2"))
    assert [str(problem.location) for problem in wrong.problems] == ["pixi.toml:5"]


@pytest.mark.parametrize(
    ("version", "recipe", "pyproject"),
    [
        ("1.31.0", "hatchling ==1.31.0", "hatchling==1.31.0"),
        (">=1.31,<2", "hatchling >=1.31,<2", "hatchling>=1.31,<2"),
        ("1.31.*", "hatchling 1.31.*", "hatchling==1.31.*"),
        ("~=1.31", "hatchling >=1.31,1.*", "hatchling~=1.31"),
    ],
)
def test_a_version_keeps_the_operator_and_a_constraint_replaces_it(
    version: str, recipe: str, pyproject: str
) -> None:
    wanted = move("hatchling", version)
    assert f"    - {recipe}  # as flowlock.toml\n" in edited_recipe(RECIPE, "recipe.yaml", wanted).text
    edited = edited_pyproject(PYPROJECT, "pyproject.toml", wanted)
    assert f'requires = ["{pyproject}"]  # pinned\n' in edited.text
    assert Requirement(pyproject).name == "hatchling"


def test_the_build_pins_of_a_workspace_move_with_the_recipes() -> None:
    text = '[build]\n# Exact.\nbackend = "hatchling ==1.30.1"\ninstaller = "uv ==0.11.21"\n'
    edited = edited_workspace(text, "flowlock.toml", move("hatchling", "1.31.0"))
    assert edited.text == text.replace("1.30.1", "1.31.0")
    inexact = edited_workspace(text, "flowlock.toml", move("hatchling", ">=1.31"))
    assert [problem.code for problem in inexact.problems] == ["FL851"]
    assert inexact.text == text


@pytest.mark.parametrize("old", ["0.1.*", "<2", ">=0.1,>=0.2", "=0.1", ">=0.1,<0.2", ">=0.1.0,0.1.*"])
def test_a_constraint_that_one_version_cannot_move_is_a_problem_with_its_line(old: str) -> None:
    text = f"requirements:\n  run:\n    - a {old}\n"
    edited = edited_recipe(text, "recipe.yaml", move("a", "0.3.0"))
    assert [(problem.code, str(problem.location)) for problem in edited.problems] == [
        ("FL851", "recipe.yaml:3")
    ]
    assert edited.text == text


def test_a_value_with_an_anchor_is_a_problem_and_an_alias_is_edited_once() -> None:
    text = (
        "id: a\nrequirements:\n  - {name: a, version: &v '>=0.1'}\n  - {name: a, version: *v}\nworkflow: []\n"
    )
    edited = edited_spec(text, "spec.yaml", move("a", "0.3.0"))
    assert [problem.code for problem in edited.problems] == ["FL851"]
    assert edited.text == text


@pytest.mark.parametrize("constraint", [">=1,", ",<2", ">=1,,<2", ">= ,<2"])
def test_a_constraint_with_an_empty_clause_is_a_problem_with_its_line(constraint: str) -> None:
    edited = edited_pyproject(PYPROJECT, "pyproject.toml", move("flowlock-core", constraint))
    assert {problem.code for problem in edited.problems} == {"FL851"}
    assert edited.text == PYPROJECT


@pytest.mark.parametrize("editor", EDITORS)
def test_a_file_that_does_not_require_the_package_stays_byte_for_byte(editor: str) -> None:
    text = {"spec.yaml": SPEC, "recipe.yaml": RECIPE}.get(editor, PYPROJECT)
    edited: EditedFile = EDITORS[editor](text, editor, move("absent", "1"))
    assert edited == EditedFile(text=text)


def test_windows_line_ends_and_other_letters_do_not_shift_an_edit() -> None:
    text = "# é🎈\r\nid: a\r\nrequirements:\r\n  - {name: a, version: '>=0.1'}\r\nworkflow: []\r\n"
    edited = edited_spec(text, "spec.yaml", move("a", "0.3"))
    assert edited.text == text.replace("0.1", "0.3")
