"""Nothing of a generated package that someone changed by hand is built, locked, installed or run."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from flowlock import workspace
from flowlock.commands import lock, locked_environment, run, sync
from flowlock.commands.build_stage import BuildSettings, build_named
from flowlock.commands.check import check
from flowlock.commands.compile import compile_workflows
from flowlock.commands.hand_edits import edits
from flowlock.commands.init import init
from flowlock.commands.session import Profile, Session
from flowlock.errors import FlowlockError
from flowlock.lock.result import LockOptions
from flowlock.report.reporter import Format, Silent

PACKAGE = Path("examples/hello/flowlock-hello-workflow")
WORKFLOW = PACKAGE / "flowlock_hello_workflow/workflow.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "space"
    init(root)
    subprocess.run(["git", "init", "-q", root], check=True)
    compile_workflows(workspace.load(root), (), check=False, progress=Silent())
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "space")
    return tmp_path / "space"


def session_of(root: Path) -> Session:
    return Session(workspace=workspace.load(root), profile=Profile.EMBEDDED, offline=True, progress=Silent())


def edit(root: Path) -> None:
    with (root / WORKFLOW).open("a") as file:
        file.write("print('edited by hand')\n")


def install(session: Session, *, frozen: bool) -> None:
    with locked_environment.install(session, session.workspace.workflow("hello"), "default", frozen=frozen):
        pass


@pytest.mark.parametrize(
    "command",
    [
        lambda session: build_named(session, (), BuildSettings()),
        lambda session: build_named(session, ("hello",), BuildSettings(dry_run=True)),
        lambda session: build_named(session, ("flowlock-hello-workflow",), BuildSettings()),
        lambda session: lock.lock(session, (), LockOptions()),
        lambda session: lock.lock(session, ("hello",), LockOptions()),
        lambda session: lock.check(session, (), LockOptions()),
        lambda session: install(session, frozen=True),
        lambda session: install(session, frozen=False),
        lambda session: run.test(session, ("hello",), frozen=False),
        lambda session: sync.sync(session, check=False, dry_run=False, jobs=1),
    ],
)
def test_each_command_refuses_an_edited_package(root: Path, command: Callable[[Session], object]) -> None:
    edit(root)
    with pytest.raises(FlowlockError) as caught:
        command(session_of(root))
    (problem,) = caught.value.problems
    assert (problem.code, str(problem.location)) == ("FL203", WORKFLOW.as_posix())
    assert not (root / ".flowlock/channel").exists()
    assert not (root / ".flowlock/locks").exists()


def test_a_package_as_it_was_generated_is_no_edit_whatever_its_line_ends(root: Path) -> None:
    workflow = root / WORKFLOW
    workflow.write_bytes(workflow.read_bytes().replace(b"\n", b"\r\n"))
    space = workspace.load(root)
    assert list(edits(space, space.workflow("hello"))) == []


def test_a_generated_file_that_is_gone_is_named(root: Path) -> None:
    (root / WORKFLOW).unlink()
    space = workspace.load(root)
    (problem,) = edits(space, space.workflow("hello"))
    assert (problem.code, problem.hint) == ("FL203", "run `flowlock compile`")


def test_other_packages_can_be_built_beside_an_edited_one(root: Path) -> None:
    edit(root)
    with pytest.raises(FlowlockError) as caught:
        build_named(session_of(root), ("nosuch",), BuildSettings())
    assert caught.value.problems[0].code != "FL203"


def test_check_names_the_edit(root: Path) -> None:
    edit(root)
    problems = check(workspace.load(root), (), form=Format.TEXT, progress=Silent()).problems
    assert [(one.code, str(one.location)) for one in problems] == [("FL203", WORKFLOW.as_posix())]


def test_check_names_the_old_package_of_a_renamed_workflow(root: Path) -> None:
    (root / "examples/hello").rename(root / "examples/bye")
    spec = root / "examples/bye/spec.yaml"
    spec.write_text(spec.read_text().replace("id: hello", "id: bye"))
    space = workspace.load(root)
    compile_workflows(space, (), check=False, progress=Silent())
    (problem,) = check(space, (), form=Format.TEXT, progress=Silent()).problems
    assert (problem.code, str(problem.location)) == ("FL308", "examples/bye/flowlock-hello-workflow")
    assert problem.hint == "delete it: `flowlock compile` generates flowlock-bye-workflow from the spec"
