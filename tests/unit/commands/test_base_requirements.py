import shutil
from pathlib import Path

import pytest

from flowlock import workspace
from flowlock.builder.plan.targets import targets
from flowlock.commands.base import needed_packages
from flowlock.commands.base_requirements import requirements
from flowlock.commands.session import Profile, Session
from flowlock.errors import FlowlockError
from flowlock.report.reporter import Silent
from shared import ROOT

ONLY_WEATHER = "jinja2>=3.1"


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A copy of this workspace in which one workflow needs a package that no other one needs."""
    for name in ("examples", "recipes", "src"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "flowlock.toml", tmp_path)
    pyproject = tmp_path / "examples/weather/flowlock-weather-workflow/pyproject.toml"
    text = pyproject.read_text()
    changed = text.replace("dependencies = [\n", f'dependencies = [\n  "{ONLY_WEATHER}",\n')
    assert changed != text
    pyproject.write_text(changed)
    loaded = workspace.load(tmp_path)
    return Session(workspace=loaded, profile=Profile.EMBEDDED, offline=True, progress=Silent())


def required(session: Session) -> list[str]:
    return requirements(session.workspace, targets(session.workspace), needed_packages(session))


def test_the_base_holds_what_all_workflows_need_if_none_is_named(session: Session) -> None:
    assert ONLY_WEATHER in required(session)


def test_the_base_holds_nothing_for_a_workflow_that_is_not_named(session: Session) -> None:
    assert ONLY_WEATHER not in required(session.about(["penguins"]))
    assert ONLY_WEATHER in required(session.about(["penguins", "weather"]))


def test_the_base_still_holds_what_a_workflow_that_was_named_before_needs(session: Session) -> None:
    lock = session.lock_file(session.workspace.workflow("weather"))
    lock.parent.mkdir(parents=True)
    lock.touch()
    assert ONLY_WEATHER in required(session.about(["penguins"]))


def test_a_workflow_that_is_named_must_be_there(session: Session) -> None:
    with pytest.raises(FlowlockError, match="pinguins"):
        session.about(["pinguins"])


def test_an_engine_of_connections_does_not_bring_the_run_time_which_an_edit_would_change(
    session: Session,
) -> None:
    def brings_the_run_time(requirements: list[str]) -> bool:
        return any(one.startswith("flowlock-core @") for one in requirements)

    wages = required(session.about(["wages"]))
    assert any(one.startswith("obstore") for one in wages)
    assert not brings_the_run_time(wages)
    # Any other package may be a task package, which does need it.
    assert brings_the_run_time(required(session.about(["weather"])))
