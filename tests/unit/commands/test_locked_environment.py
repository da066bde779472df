"""What is installed was made from the spec and the layout that are there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flowlock import workspace
from flowlock.commands.compile import compile_workflows
from flowlock.commands.init import init
from flowlock.commands.locked_environment import checked_lock
from flowlock.commands.session import Profile, Session
from flowlock.errors import FlowlockError
from flowlock.report.reporter import Silent
from flowlock.workspace import Workflow


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A workspace with a compiled workflow, and a lock of nothing."""
    init(tmp_path / "birds")
    made = Session(
        workspace=workspace.load(tmp_path / "birds"),
        profile=Profile.EMBEDDED,
        offline=True,
        progress=Silent(),
    )
    compile_workflows(made.workspace, [], check=False, progress=Silent())
    lock = made.lock_file(made.workspace.workflow("hello"))
    lock.parent.mkdir(parents=True)
    lock.write_text("version: 6\nenvironments: {}\npackages: []\n")
    return made


def refusal(session: Session, *, frozen: bool = False) -> FlowlockError:
    with pytest.raises(FlowlockError) as caught:
        checked_lock(session, session.workspace.workflow("hello"), "default", frozen=frozen)
    return caught.value


def edit_spec(workflow: Workflow) -> str:
    workflow.spec.write_text(workflow.spec.read_text() + "# A remark.\n")
    return "examples/hello/spec.yaml"


def add_layout(workflow: Workflow) -> str:
    (workflow.folder / "layout.json").write_text('[{"i": "0", "x": 0, "y": 0, "w": 3, "h": 2}]')
    return "examples/hello/layout.json"


@pytest.mark.parametrize("edit", [edit_spec, add_layout])
def test_what_was_compiled_from_something_else_is_refused(
    session: Session, edit: Callable[[Workflow], str]
) -> None:
    # The lock pins nothing: that is found after the spec.
    assert refusal(session).problems[0].code == "FL714"
    file = edit(session.workspace.workflow("hello"))
    refused = refusal(session)
    assert refused.problems[0].code == "FL719"
    assert refused.problems[0].message.startswith(f"{file} has changed since hello was compiled")


def test_what_was_compiled_is_taken_as_it_is_if_frozen(session: Session) -> None:
    workflow = session.workspace.workflow("hello")
    edit_spec(workflow)
    assert checked_lock(session, workflow, "default", frozen=True) == session.lock_file(workflow)
