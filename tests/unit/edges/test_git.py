import subprocess
import sys
from pathlib import Path

import pytest

from flowlock.edges import git

LIST = (
    "import pathlib, sys; from flowlock.edges import git; print(git.source_files(pathlib.Path(sys.argv[1])))"
)


def repository(root: Path, file: str) -> Path:
    root.mkdir()
    run(root, "init", "-q")
    (root / file).write_text("text")
    run(root, "add", file)
    return root


def run(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stderr


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    root = repository(tmp_path / "ours", "ours.txt")
    (root / "litter").write_text("which no other repository knows to be litter")
    (root / ".git/info/exclude").write_text("litter\n")
    return root


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return repository(tmp_path / "other", "other.txt")


@pytest.mark.parametrize(
    ("variable", "place"),
    [
        ("GIT_DIR", ".git"),
        ("GIT_WORK_TREE", "."),
        ("GIT_INDEX_FILE", ".git/index"),
        ("GIT_COMMON_DIR", ".git"),
        ("GIT_OBJECT_DIRECTORY", ".git/objects"),
    ],
)
def test_what_the_environment_says_of_another_repository_does_not_matter(
    ours: Path, other: Path, monkeypatch: pytest.MonkeyPatch, variable: str, place: str
) -> None:
    run(ours, "commit", "-q", "-m", "One")
    head = git.head(ours)
    monkeypatch.setenv(variable, str(other / place))
    assert git.source_files(ours) == ["ours.txt"]
    assert git.stored_with_lf(ours) == []
    assert git.head(ours) == head
    assert git.dirty(ours) == []
    assert git.text_at(ours, head.commit, "ours.txt") == "text"


def test_the_hook_of_another_repository_sees_our_files(ours: Path, other: Path) -> None:
    hook = other / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"""#!/bin/sh\nexec '{sys.executable}' -c '{LIST}' '{ours}' >&2\n""")
    hook.chmod(0o755)
    linked = other.with_name("linked")
    run(other, "commit", "-q", "--no-verify", "-m", "One")
    run(other, "worktree", "add", "-q", str(linked))
    for place in (other, linked):
        assert "['ours.txt']" in run(place, "commit", "-q", "--allow-empty", "-m", "Two")


def test_settings_of_the_environment_count(ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (ours / "crlf.txt").write_bytes(b"text\r\n")
    for name, value in {"COUNT": "1", "KEY_0": "core.autocrlf", "VALUE_0": "input"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert git.stored_with_lf(ours) == ["crlf.txt"]
