"""Packages' own tests: run after the build, kept by artifact and environment, run again when that changes."""

from pathlib import Path
from typing import Any

import pytest

from flowlock.errors import FlowlockError
from small import Small


def with_tests(small: Small, name: str, *tests: dict[str, Any], needs: str = "") -> Path:
    folder = small.add(name, needs=needs)
    small.write_recipe(name, {**small.recipe(name), "tests": list(tests)})
    return folder


def imports(*names: str) -> dict[str, Any]:
    return {"python": {"imports": list(names), "pip_check": False}}


def outcomes(small: Small, **options: Any) -> dict[str, str]:
    return {one.name: one.tests for one in small.build(**{"test": True, **options}).packages}


def test_tests_run_once_and_again_when_a_dependency_changes_without_a_rebuild(small: Small) -> None:
    beta = with_tests(small, "beta")
    with_tests(small, "alpha", imports("alpha", "beta"), {"script": ["alpha"]}, needs="beta")
    assert outcomes(small) == {"beta": "", "alpha": "passed"}
    assert outcomes(small) == {"beta": "", "alpha": "passed before"}
    before = (beta / "beta/__init__.py").read_text()
    (beta / "beta/__init__.py").write_text(before + "# An edit.\n")
    result = small.build(test=True)
    assert [(one.name, str(one.status), one.tests) for one in result.packages] == [
        ("beta", "built", ""),
        ("alpha", "current", "passed"),
    ]
    # Undone: this artifact passed in this environment.
    (beta / "beta/__init__.py").write_text(before)
    assert outcomes(small)["alpha"] == "passed before"
    channel = small.contents()
    (beta / "beta/__init__.py").write_text("raise ImportError('no longer here')\n")
    with pytest.raises(FlowlockError, match="1 packages failed their tests: alpha") as caught:
        small.build(test=True)
    assert "no longer here" in (caught.value.detail or "")
    assert "no longer here" in (small.state.logs / "alpha.tests.log").read_text()
    assert str(small.state.logs / "alpha.tests.log") in (caught.value.hint or "")
    assert small.contents() == channel
    assert small.leftovers() == []
    # A failure is not kept, and does not pass by being asked again.
    with pytest.raises(FlowlockError, match="failed their tests"):
        small.build(test=True)
    assert outcomes(small, test=False) == {"beta": "", "alpha": ""}


def test_what_cannot_be_installed_here_is_said_to_be_untested(small: Small) -> None:
    with_tests(small, "alpha", imports("alpha"), needs="pandas numpy")
    assert outcomes(small) == {"alpha": "not tested: numpy, pandas not in the base channel"}
    assert outcomes(small) == {"alpha": "not tested: numpy, pandas not in the base channel"}
    assert "not tested: numpy, pandas" in small.build(test=True).as_text()


def test_what_needs_a_package_of_ours_that_cannot_be_installed_here_is_untested_too(small: Small) -> None:
    with_tests(small, "gamma", needs="dagster")
    with_tests(small, "beta", imports("beta"), needs="gamma")
    with_tests(small, "alpha", imports("alpha"), needs="beta")
    untested = "not tested: dagster not in the base channel"
    assert outcomes(small) == {"gamma": "", "beta": untested, "alpha": untested}


def test_a_test_that_asks_for_more_gets_it(small: Small) -> None:
    more = {"script": ["hatchling --help"], "requirements": {"run": ["hatchling"]}}
    with_tests(small, "alpha", more, {"package_contents": {"site_packages": ["alpha"]}})
    assert outcomes(small) == {"alpha": "passed"}
