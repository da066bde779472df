"""`kill -9` of a command: the system's temporary folder stays empty, and the next run tidies the rest."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from checkout import Checkout
from repository import Repository

# The first of the session to test the built packages makes their environments, which takes a minute.
LIMIT = 600.0


@pytest.fixture
def system_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder, as the commands see it."""
    folder = tmp_path / "system"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


# A process that looks from outside can look too late: a lock takes a tenth of a second.
KILLED = """
import os, runpy, signal, sys
from pathlib import Path

folder, looking = Path(sys.argv.pop(1)), False

def kill_when_written(event, arguments):
    global looking
    if looking:
        return
    looking = True
    if any(folder.glob("*/*")):
        os.kill(os.getpid(), signal.SIGKILL)
    looking = False

sys.addaudithook(kill_when_written)
sys.argv[0] = "flowlock"
runpy.run_module("flowlock", run_name="__main__")
"""


def kill_when_written(folder: Path, *arguments: str, root: Path) -> None:
    """Run flowlock in a process that kills itself as soon as a folder in this folder has a file."""
    command = [sys.executable, "-c", KILLED, str(folder), "--profile", "embedded", *arguments]
    done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


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
    kill_when_written(folder, "lock", "penguins", root=copy.root)
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
    kill_when_written(published, *arguments, root=copy.root)
    assert temporaries(copy)
    assert list(system_folder.iterdir()) == []
    done = copy.flowlock(*arguments)
    assert done.code == 0, done.err
    assert temporaries(copy) == []
    assert list(system_folder.iterdir()) == []
    assert list(published.rglob("tmp-*")) == []
