"""A scientist with a table who has never seen flowlock: the good road once, and the mistakes beside it.

Each mistake has a golden file with all that the person sees; `make golden` refreshes them.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkout import Checkout, linked_copy
from repository import own_git
from shared import ROOT, once
from walk import CHAPTERS
from walk.mistake import CASES, PARAMS, SPEC, Mistake, append, change, transcript, write

GOLDEN = ROOT / "tests/golden/walk"
LEVELS = """\
day,gauge,level_cm
2026-03-01,Mill,112
2026-03-02,Mill,131
2026-03-03,Mill,168
2026-03-01,Weir,75
2026-03-02,Weir,
2026-03-03,Weir,121
"""
OWN_STEP = """\
  - name: Leave out days without a level
    id: measured
    task: keep_high
    partial:
      df: ${{ workflow.table.return }}

  - name: Count the rows
"""
NAMED = [(name, mistake) for mistakes in CHAPTERS.values() for name, mistake in mistakes.items()]


def git(root: Path, *arguments: str) -> None:
    person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", *person, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A workspace at the end of the road, committed: a workflow over a table, with an own task."""
    return Checkout(root=once(tmp_path_factory, "walked", walk) / "rivers")


def walk(home: Path) -> None:
    """Go from an empty folder to a dashboard."""
    write("levels.csv", LEVELS)(home)
    done = Checkout(root=home).flowlock("init", "rivers")
    assert done.code == 0, done.err
    rivers = Checkout(root=home / "rivers")
    shutil.rmtree(rivers.root / "examples/hello")
    git(rivers.root, "init", "-q", "-b", "main")
    git(rivers.root, "add", ".")
    for command in ("new workflow floods --from-data ../levels.csv", "new task keep_high"):
        in_order(rivers, command)
    use_own_task(rivers.root)
    for command in ("check", "sync"):
        in_order(rivers, command)
    git(rivers.root, "add", ".")
    git(rivers.root, "commit", "-qm", "The floods")


def in_order(checkout: Checkout, command: str) -> None:
    done = checkout.flowlock(*command.split())
    assert done.code == 0, (command, done.out, done.err)


def use_own_task(root: Path) -> None:
    for edit in (
        change(SPEC, "requirements:\n", "requirements:\n  - name: rivers-tasks\n    version: '>=0.1.0'\n"),
        change(SPEC, "  - name: Count the rows\n", OWN_STEP),
        change(
            SPEC,
            "df: ${{ workflow.table.return }}\n      color",
            "df: ${{ workflow.measured.return }}\n      color",
        ),
        append(PARAMS, "measured:\n  column: level_cm\n"),
        change(CASES, "  params:\n", "  params:\n    measured: {column: level_cm}\n"),
    ):
        edit(root)


@pytest.fixture(scope="module")
def workspace(walked: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of it for one worker, the copy of somebody whose files of git can be replaced."""
    copy = linked_copy(walked, tmp_path_factory.mktemp("ada") / "rivers")
    own_git(copy.root)
    # Mistakes are edits in place, which must not reach the copies of other workers.
    for path in copy.root.iterdir():
        if path.is_dir() and path.name not in (".git", ".flowlock"):
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
    git(copy.root, "reset", "-q", "--hard")
    return copy


@pytest.fixture(scope="module")
def dashboard(workspace: Checkout) -> Path:
    """The end of the road: what a run leaves in the workspace of this worker."""
    in_order(workspace, "run floods")
    return workspace.state.results("floods") / "dashboard.html"


@pytest.fixture
def rivers(workspace: Checkout, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The workspace, put in order again after the test."""
    for name in ("FORCE_COLOR", "PYTHONDONTWRITEBYTECODE", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    home = workspace.root.parent / "home"
    variables = {
        "COLUMNS": "80",
        "HOME": home,
        "XDG_CACHE_HOME": home / ".cache",
        "FLOWLOCK_PROFILE": "embedded",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    yield workspace.root
    tidied(workspace.root)


def tidied(root: Path) -> None:
    """Undo the edits of a mistake."""
    if not (root / ".git").exists():
        (root / "not-git").rename(root / ".git")
    for path in root.parent.iterdir():
        if path.is_dir() and path.name not in ("rivers", "home"):
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
    git(root, "reset", "-q", "--hard")
    git(root, "clean", "-fdqx", "--exclude", ".flowlock")


@pytest.mark.usefixtures("rivers")
def test_the_good_road_ends_at_a_dashboard(workspace: Checkout, dashboard: Path) -> None:
    for command in ("check", "compile --check", "sync --check", "test floods"):
        in_order(workspace, command)
    assert dashboard.is_file()


@pytest.mark.parametrize(("name", "mistake"), NAMED, ids=[name for name, _ in NAMED])
def test_a_mistake_gets_the_answer_of_its_golden_file_and_changes_nothing(
    name: str, mistake: Mistake, rivers: Path, request: pytest.FixtureRequest, *, refresh_golden: bool
) -> None:
    if mistake.runs:
        request.getfixturevalue("dashboard")
    told = transcript(mistake, rivers)
    file = GOLDEN / f"{name}.txt"
    if refresh_golden:
        file.write_text(told)
    assert file.read_text() == told


def test_each_golden_file_belongs_to_a_mistake() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {name for name, _ in NAMED}
    assert len(NAMED) == len(dict(NAMED))
