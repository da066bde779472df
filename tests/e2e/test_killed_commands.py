"""`kill -9` of a command: the system's temporary folder stays empty, and the next run tidies the rest."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from checkout import Checkout
from repository import Repository

LIMIT = 60.0


@pytest.fixture
def system_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder, as the commands see it."""
    folder = tmp_path / "system"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def kill_when(root: Path, condition: Callable[[], bool], *arguments: str) -> None:
    """Run flowlock in a process of its own, and kill it as soon as the condition holds."""
    command = [sys.executable, "-m", "flowlock", "--profile", "embedded", *arguments]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert running.poll() is None, running.stderr.read() if running.stderr else ""
            assert time.monotonic() < deadline
            time.sleep(0.001)
        running.send_signal(signal.SIGKILL)
    assert running.returncode == -signal.SIGKILL


def temporaries(checkout: Checkout) -> list[str]:
    """Return what commands left in the temporary folder of the workspace, without its own lock."""
    folder = checkout.state.temporary
    return [path.name for path in folder.glob("*") if path.name != ".lock"]


def test_a_killed_lock_leaves_its_temporaries_where_the_next_one_removes_them(
    checkout: Callable[[], Checkout], system_folder: Path
) -> None:
    copy = checkout()
    folder, lock = copy.state.temporary, copy.state.workflow_lock("penguins")
    lock.unlink()
    kill_when(copy.root, lambda: any(folder.glob("*/*")), "lock", "penguins")
    assert not lock.exists()
    assert temporaries(copy)
    assert list(system_folder.iterdir()) == []
    done = copy.flowlock("lock", "penguins")
    assert done.code == 0, done.err
    assert lock.is_file()
    assert temporaries(copy) == []
    assert list(system_folder.iterdir()) == []


def test_a_killed_publish_leaves_its_temporaries_where_the_next_one_removes_them(
    repository: Repository, system_folder: Path, tmp_path: Path
) -> None:
    repository.git("tag", "-a", "-m", "Release", "v0.1.0")
    copy, published = Checkout(root=repository.root), tmp_path / "published"
    arguments = ("publish", "--tag", "v0.1.0", "--to", f"directory:{published}")
    kill_when(copy.root, lambda: any(published.glob("*/*")), *arguments)
    assert temporaries(copy)
    assert list(system_folder.iterdir()) == []
    done = copy.flowlock(*arguments)
    assert done.code == 0, done.err
    assert temporaries(copy) == []
    assert list(system_folder.iterdir()) == []
    assert list(published.rglob("tmp-*")) == []
