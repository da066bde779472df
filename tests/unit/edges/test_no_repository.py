"""An unpacked archive has no repository: git's ignore rules still say which files are source."""

import shutil
import subprocess
from pathlib import Path

import pytest

from flowlock.edges import git
from flowlock.edges.sources import snapshot
from flowlock.edges.state_folder import NAME as STATE
from flowlock.errors import FlowlockError

FILES = {
    ".gitignore": "*.log\n/build/\n!keep.log\n",
    ".gitattributes": "* text=auto eol=lf\n*.bin -text\n",
    "a.py": "one\n",
    "run.sh": "#!/bin/sh\n",
    "data.bin": "raw\r\n",
    "notes.log": "litter",
    "keep.log": "kept",
    "build/out.txt": "litter",
    "src/build/mine.txt": "not litter: only the root's folder is",
    "src/.gitignore": "*.tmp\n",
    "src/x.tmp": "litter",
    "src/é ü.txt": "text",
}
SOURCE = [
    ".gitattributes",
    ".gitignore",
    "a.py",
    "data.bin",
    "keep.log",
    "link",
    "run.sh",
    "src/.gitignore",
    "src/build/mine.txt",
    "src/é ü.txt",
]


def run(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "an ärchive"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("a.py")
    return root


@pytest.fixture
def clone(folder: Path) -> Path:
    """The same files in a repository."""
    root = folder.with_name("clone")
    shutil.copytree(folder, root, symlinks=True)
    run(root, "init", "-q")
    run(root, "add", "-A")
    return root


def test_the_files_and_their_digest_are_those_of_a_repository(folder: Path, clone: Path) -> None:
    assert git.source_files(folder) == git.source_files(clone) == SOURCE
    assert snapshot(folder).digest == snapshot(clone).digest
    assert not (folder / ".git").exists()
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        {name.partition("/")[0] for name in FILES} | {"link", STATE}
    )


def test_line_ends_are_read_by_the_same_attributes(folder: Path, clone: Path) -> None:
    before = snapshot(folder).digest
    for root in (folder, clone):
        (root / "a.py").write_bytes(b"one\r\n")
    assert git.stored_with_lf(folder) == git.stored_with_lf(clone) == ["a.py"]
    assert snapshot(folder).digest == snapshot(clone).digest == before


def test_our_own_state_is_not_source_even_where_nothing_ignores_it(folder: Path) -> None:
    (folder / ".gitignore").unlink()
    (folder / STATE).mkdir()
    (folder / STATE / "x").touch()
    assert not [name for name in git.source_files(folder) if name.startswith(STATE)]


@pytest.mark.parametrize("damage", ["HEAD", "config", "objects", "everything", "file"])
def test_a_damaged_throwaway_repository_is_made_again(folder: Path, damage: str) -> None:
    git.source_files(folder)
    made = folder / STATE / "git"
    if damage in {"HEAD", "config"}:
        (made / damage).write_text("[[[")
    elif damage == "objects":
        shutil.rmtree(made / damage)
    else:
        shutil.rmtree(made)
    if damage == "file":
        made.write_text("no folder")
    assert git.source_files(folder) == SOURCE


def test_a_nested_repository_is_found(folder: Path) -> None:
    (folder / "src/vendor").mkdir()
    run(folder / "src/vendor", "init", "-q")
    (folder / "src/vendor/x.py").touch()
    assert git.listed(folder).repositories == ["src/vendor"]


def test_a_repository_around_it_counts_unless_it_ignores_the_folder(folder: Path) -> None:
    run(folder.parent, "init", "-q")
    (folder.parent / ".gitignore").write_text("data.bin\n")
    assert git.source_files(folder) == [name for name in SOURCE if name != "data.bin"]
    assert not (folder / STATE).exists()
    (folder.parent / ".gitignore").write_text("data.bin\n/an*/\n")
    assert git.source_files(folder) == SOURCE


def test_settings_for_another_repository_do_not_matter(
    folder: Path, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"GIT_DIR": clone / ".git", "GIT_WORK_TREE": clone, "LC_ALL": "de_DE.UTF-8"}.items():
        monkeypatch.setenv(name, str(value))
    (clone / "new.py").touch()
    assert git.source_files(folder) == SOURCE


def test_a_repository_that_git_refuses_is_not_taken_for_none(folder: Path) -> None:
    (folder / ".git").write_text("gitdir: /nowhere/.git/worktrees/gone\n")
    with pytest.raises(FlowlockError) as caught:
        git.source_files(folder)
    assert caught.value.problems[0].code == "FL024"
    assert "/nowhere/.git/worktrees/gone" in caught.value.message
    assert not (folder / STATE).exists()


def test_what_needs_history_says_so(folder: Path) -> None:
    for ask in (lambda: git.head(folder), lambda: git.commit_of(folder, "v1.0.0")):
        with pytest.raises(FlowlockError) as caught:
            ask()
        assert caught.value.problems[0].code == "FL021"
        assert "history" in caught.value.message
        assert "clone" in (caught.value.hint or "")
    assert git.merged_tags(folder, "v*") == []


def test_a_state_folder_that_cannot_be_made_is_said(folder: Path) -> None:
    (folder / STATE).write_text("no folder")
    with pytest.raises(FlowlockError) as caught:
        git.source_files(folder)
    assert caught.value.problems[0].code in {"FL012", "FL013"}
    assert caught.value.hint
