"""Versions, tags, and the places where a version is written."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from flowlock.errors import FlowlockError
from flowlock.release import version

RECIPE = """\
# A recipe.
context:
  # Raised by `flowlock release`.
  version: "0.1.0"  # the one place

package:
  name: core
  version: ${{ version }}
requirements:
  run:
    - other >=0.1.0
"""


@pytest.mark.parametrize(
    ("current", "wanted", "pre", "expected"),
    [
        ("0.1.0", "patch", False, "0.1.1"),
        ("0.1.9", "minor", False, "0.2.0"),
        ("0.1.9", "major", False, "1.0.0"),
        ("0.1.9", "minor", True, "0.2.0rc1"),
        ("0.2.0rc1", "minor", True, "0.2.0rc2"),
        ("0.2.0rc2", "minor", False, "0.2.0"),
        ("0.2.1rc2", "minor", False, "0.3.0"),
        ("1.0.0rc1", "major", False, "1.0.0"),
        ("0.2.0rc1", "patch", False, "0.2.0"),
        ("0.1.0", "0.1.1rc3", False, "0.1.1rc3"),
        ("0.1.0", "1.0", False, "1.0"),
    ],
)
def test_the_next_version_is_named_or_follows_from_the_part_that_grows(
    *, current: str, wanted: str, pre: bool, expected: str
) -> None:
    assert str(version.following(Version(current), wanted, pre=pre)) == expected


@pytest.mark.parametrize("wanted", ["0.1.0", "0.0.9", "0.1.0rc1"])
def test_a_version_never_goes_back(wanted: str) -> None:
    with pytest.raises(FlowlockError, match="not greater"):
        version.following(Version("0.1.0"), wanted, pre=False)


@pytest.mark.parametrize(
    "wanted", ["one", "1", "1.0.0.dev1", "1.0.0.post1", "1!2.0.0", "1.0.0+local", "1.0a1"]
)
def test_a_version_that_is_no_release_is_refused(wanted: str) -> None:
    with pytest.raises(FlowlockError, match="not a version to release"):
        version.following(Version("0.1.0"), wanted, pre=False)


@given(st.tuples(*[st.integers(0, 99)] * 3), st.none() | st.integers(0, 9))
def test_tag_and_version_give_one_another(numbers: tuple[int, int, int], candidate: int | None) -> None:
    text = ".".join(map(str, numbers)) + ("" if candidate is None else f"rc{candidate}")
    tag = version.tag_of(version.parse(text))
    assert tag.startswith(f"v{'.'.join(map(str, numbers))}")
    assert version.version_of(tag) == Version(text)


def test_a_candidates_tag_has_a_hyphen_and_its_version_has_none() -> None:
    assert version.tag_of(Version("1.2.0rc1")) == "v1.2.0-rc1"
    assert str(version.version_of("v1.2.0-rc1")) == "1.2.0rc1"


@pytest.mark.parametrize("tag", ["1.0.0", "v1", "release", "v1.0.0-beta", "v1.0.0; rm -rf", ""])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(FlowlockError):
        version.version_of(tag)


def test_a_recipe_keeps_its_comments_quotes_and_layout() -> None:
    bumped = version.bump_recipe(RECIPE, Version("0.2.0rc1"), "recipe.yaml")
    assert bumped == RECIPE.replace('version: "0.1.0"', 'version: "0.2.0rc1"')


def test_a_recipe_without_a_version_in_its_context_is_refused() -> None:
    with pytest.raises(FlowlockError, match="no `context"):
        version.bump_recipe("package:\n  version: 1.0.0\n", Version("2.0.0"), "recipe.yaml")


def test_a_pyproject_keeps_everything_but_its_version() -> None:
    text = (
        '# Ours.\n[project]\nname = "a"  # the name\nversion = "0.1.0"\ndependencies = [\n  "b>=0.1.0",\n]\n'
    )
    bumped = version.bump_pyproject(text, Version("0.2.0"), "pyproject.toml")
    assert bumped == text.replace('version = "0.1.0"', 'version = "0.2.0"')
    with pytest.raises(FlowlockError, match="no `project"):
        version.bump_pyproject(
            '[project]\nname = "a"\ndynamic = ["version"]\n', Version("1.0"), "pyproject.toml"
        )


def test_a_workspace_gets_version_and_epoch_and_keeps_its_comments() -> None:
    text = (
        '# Ours.\n[workspace]\nname = "w"\nversion = "0.1.0"\n# Dates.\n'
        'epoch = 2026-11-01T00:00:00Z\n\n[build]\nx = "y"\n'
    )
    bumped = version.bump_workspace(text, Version("0.2.0"), datetime(2027, 1, 2, tzinfo=UTC))
    assert bumped == text.replace("0.1.0", "0.2.0").replace("2026-11-01", "2027-01-02")
