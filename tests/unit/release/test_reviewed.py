"""Only what a commit has counts as reviewed, whatever lies in the working tree."""

import subprocess
from pathlib import Path

import pytest

from flowlock import workspace
from flowlock.edges import git
from flowlock.errors import FlowlockError
from flowlock.release.reviewed import ReviewedLocks, reviewed_locks
from small import SETTINGS

LOCK = "examples/hello/flowlock-hello-workflow/pixi.lock"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with two workflows, of which `hello` has a lock that is not committed."""
    folder = tmp_path / "a spâce"
    (folder / "examples/hello/flowlock-hello-workflow").mkdir(parents=True)
    (folder / "examples/other").mkdir()
    (folder / "flowlock.toml").write_text(SETTINGS)
    for name in ("hello", "other"):
        (folder / f"examples/{name}/spec.yaml").write_text(f"id: {name}\nworkflow: []\n")
    (folder / LOCK).write_text("version: 7\n")
    run(folder, "init", "-q", "-b", "main")
    commit(folder, ":!*.lock")
    return folder


def run(folder: Path, *arguments: str) -> None:
    named = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True)


def commit(folder: Path, *paths: str) -> None:
    run(folder, "add", "-A", "--", ".", *paths)
    run(folder, "commit", "-qm", "All")


def reviewed(root: Path) -> ReviewedLocks:
    return reviewed_locks(workspace.load(root), git.head(root).commit)


def declare(root: Path, text: str) -> None:
    (root / "flowlock.toml").write_text(f"{SETTINGS}\n{text}\n")


def test_a_lock_that_is_not_committed_is_missing_even_if_it_is_there(root: Path) -> None:
    assert [problem.code for problem in reviewed(root).problems] == ["FL829", "FL829"]
    (root / ".gitignore").write_text("pixi.lock\n")
    commit(root)
    assert LOCK in reviewed(root).problems[0].message
    run(root, "add", "-f", LOCK)
    commit(root)
    found = reviewed(root)
    assert found.texts == {LOCK: "version: 7\n"}
    assert ["other" in problem.message for problem in found.problems] == [True]


def test_the_committed_text_counts_and_not_the_edited_one(root: Path) -> None:
    commit(root)
    (root / LOCK).write_text("edited\n")
    assert reviewed(root).texts == {LOCK: "version: 7\n"}
    (root / LOCK).unlink()
    assert reviewed(root).texts == {LOCK: "version: 7\n"}


def test_a_workflow_that_is_declared_without_a_lock_is_named_with_its_reason(root: Path) -> None:
    commit(root)
    declare(root, '[workflows.other]\nlocked = false\nreason = "its channel\\nis internal"')
    found = reviewed(root)
    assert not found.problems
    (left_out,) = found.left_out
    assert left_out.as_json() == {
        "workflow": "other",
        "package": "flowlock-other-workflow",
        "reason": "its channel is internal",
    }
    assert "other" in left_out.as_text()
    assert "its channel is internal" in left_out.as_text()


def test_a_location_is_named_with_its_reason_like_a_workflow(root: Path) -> None:
    commit(root)
    declare(root, '[location]\nname = "services"\nlocked = false\nreason = "no metadata of Dagster"')
    (left_out,) = reviewed(root).left_out
    assert left_out.package == "flowlock-services-location"
    assert "no metadata of Dagster" in left_out.as_text()


def test_workflows_that_a_location_lacks_concern_only_who_compiles_it(root: Path) -> None:
    text = '[location]\nname = "services"\nworkflows = ["helo"]\nlocked = false\nreason = "none"'
    declare(root, text)
    location = workspace.load(root).location
    assert location is not None
    (problem,) = location.problems
    assert (problem.code, problem.hint) == ("FL305", "did you mean `hello`?")
    assert problem.location is not None
    assert problem.location.line is not None


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("[workflows.other]\nlocked = false", "FL303", "needs a reason"),
        ('[workflows.other]\nlocked = false\nreason = " "', "FL303", "needs a reason"),
        ('[workflows.other]\nreason = "because"', "FL303", "is only allowed with `locked = false`"),
        ('[workflows.othr]\nlocked = false\nreason = "because"', "FL305", "workflow `othr` does not exist"),
    ],
)
def test_a_declaration_that_says_too_little_or_of_nothing_is_a_problem_with_its_line(
    root: Path, text: str, code: str, words: str
) -> None:
    declare(root, text)
    with pytest.raises(FlowlockError) as caught:
        workspace.load(root)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert words in problem.message
    assert problem.location is not None
    assert (problem.location.line or 0) > SETTINGS.count("\n")


@pytest.mark.parametrize(
    "channels",
    [
        'release = "https://me:planted-pass@example.org/small"',
        'release = "https://example.org/small"\nothers = ["https://planted-pass@example.org/forge"]',
        'release = "https://example.org/small"\n[channels.aliases]\n"https://me:planted-pass@a.org/b" = "c"',
        'release = "https://example.org/small"\n[channels.aliases]\nb = "https://me:planted-pass@a.org/b"',
    ],
)
def test_a_channel_with_a_password_is_refused_and_not_shown(root: Path, channels: str) -> None:
    text = SETTINGS.replace('release = "https://example.org/small"', channels)
    (root / "flowlock.toml").write_text(text)
    with pytest.raises(FlowlockError) as caught:
        workspace.load(root)
    (problem,) = caught.value.problems
    assert problem.code == "FL303"
    assert "planted-pass" not in str(problem.as_json())
