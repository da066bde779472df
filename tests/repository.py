"""Repositories with a bare remote, to release from."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from checkout import Checkout
from flowlock import workspace
from flowlock.commands.session import Profile, Session
from flowlock.edges.state_folder import StateFolder
from flowlock.report.reporter import Silent


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A checkout on branch main, with a bare remote that has it."""

    root: Path
    remote: Path

    @property
    def state(self) -> StateFolder:
        return StateFolder.of(self.root)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    @property
    def session(self) -> Session:
        return Session(
            workspace=workspace.load(self.root),
            profile=Profile.EMBEDDED,
            offline=False,
            progress=Silent(),
        )

    def committed(self) -> tuple[str, str, str]:
        """Return everything that a release may change: refs, the index and the files."""
        return (
            self.git("for-each-ref"),
            self.git("symbolic-ref", "-q", "HEAD") if self.git("branch", "--show-current") else "",
            self.git("status", "--porcelain"),
        )

    def clone(self, folder: Path) -> "Repository":
        """Clone the remote, and give the clone what can be made again."""
        subprocess.run(["git", "clone", "-q", self.remote, folder], check=True)
        link_tree(self.state.base_channels, StateFolder.of(folder).base_channels)
        return Repository(root=folder, remote=self.remote)


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home directory of somebody whose name git knows."""
    home = tmp_path / "home"
    home.mkdir()
    for name, value in {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.org",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.org",
        "GIT_CONFIG_NOSYSTEM": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    return home


@pytest.fixture
def repository(checkout: Callable[[], Checkout], tmp_path: Path, account: Path) -> Repository:
    """A synced checkout, all of it committed and pushed."""
    root = checkout().root
    own_git(root)
    return pushed(root, tmp_path / "remote.git", "Synced")


def own_git(root: Path) -> None:
    """Give a copy of hard links a repository of its own: git appends to its logs in place."""
    copied = root.with_name("git")
    shutil.copytree(root / ".git", copied)
    shutil.rmtree(root / ".git")
    copied.rename(root / ".git")


def pushed(root: Path, remote: Path, message: str) -> Repository:
    """Commit everything on main, and push it to a new bare remote."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", remote], check=True)
    made = Repository(root=root, remote=remote)
    made.git("add", "-A")
    made.git("commit", "-q", "--allow-empty", "-m", message)
    made.git("remote", "add", "origin", str(remote))
    made.git("push", "-q", "-u", "origin", "main")
    return made


def link_tree(source: Path, target: Path) -> None:
    """Copy a folder by hard links where that can be: who writes there writes beside and renames."""
    shutil.copytree(source, target, copy_function=_link, symlinks=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
