"""Fragments become a section, in front of what was told before."""

from datetime import date

import pytest

from flowlock.errors import FlowlockError
from flowlock.release import changelog

DAY = date(2026, 12, 1)


def section(**fragments: str) -> str:
    named = {name.replace("_", "."): text for name, text in fragments.items()}
    return changelog.section(named, "1.0.0", DAY, folder="changes.d")


def test_changes_are_told_by_kind_and_each_on_a_line() -> None:
    text = section(
        b_fixed_md="A fix,\nin two lines.\n", a_added_md="New.", c_added_md="Newer.", README_md="How to."
    )
    assert text == (
        "## 1.0.0 (2026-12-01)\n\n### Added\n\n- New.\n- Newer.\n\n### Fixed\n\n- A fix, in two lines.\n"
    )


def test_every_bad_fragment_is_named() -> None:
    with pytest.raises(FlowlockError) as caught:
        section(a_aded_md="x", b_added_md=" \n", c_added_txt="x", d_md="x")
    files = [problem.location.file for problem in caught.value.problems if problem.location]
    assert files == ["changes.d/a.aded.md", "changes.d/b.added.md", "changes.d/c.added.txt", "changes.d/d.md"]
    assert caught.value.problems[0].hint == "did you mean `added`?"


def test_a_section_comes_before_the_older_ones_and_can_be_read_back() -> None:
    first = changelog.with_section("", section(a_added_md="One."))
    assert first.startswith("# Changelog\n\n## 1.0.0")
    second = changelog.with_section(
        first, changelog.section({"b.fixed.md": "Two."}, "1.0.1", DAY, folder="x")
    )
    assert second.index("1.0.1") < second.index("1.0.0 ")
    assert changelog.notes(second, "1.0.1") == "### Fixed\n\n- Two."
    assert changelog.notes(second, "1.0.0") == "### Added\n\n- One."
    assert changelog.notes(second, "1.0") == ""
    assert second.count("# Changelog\n") == 1


def test_a_release_without_a_change_says_so() -> None:
    assert "No change for users." in section()
