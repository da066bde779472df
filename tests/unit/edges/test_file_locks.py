"""Locks between processes: many may share one, one may have it alone, and a kill releases it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flowlock.edges import file_locks as locks
from flowlock.errors import FlowlockError


@contextmanager
def holder(kind: str, path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start a process that holds a lock until its input is closed, or it is killed."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom flowlock.edges import file_locks as locks\n"
        f"with locks.{kind}(Path(sys.argv[1])):\n  print('held', flush=True)\n  sys.stdin.read()"
    )
    argv = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a plâce" / "env.use"


def test_what_others_share_can_be_shared_and_not_be_had_alone(path: Path) -> None:
    with holder("shared", path), holder("shared", path):
        with locks.shared(path):
            pass
        with locks.unless_shared(path) as free:
            assert not free
    with locks.unless_shared(path) as free:
        assert free


def test_a_kill_releases_what_is_shared(path: Path) -> None:
    with holder("shared", path) as process:
        process.kill()
        process.wait()
        with locks.unless_shared(path) as free:
            assert free


def test_who_has_to_wait_is_notified_once_and_goes_on_after_a_kill(path: Path) -> None:
    notices: list[str] = []
    with holder("alone", path) as process:

        def waiting() -> None:
            notices.append("waiting")
            process.kill()

        with locks.alone(path, waiting=waiting):
            assert notices == ["waiting"]
    with locks.alone(path, waiting=waiting):
        assert notices == ["waiting"]


def test_a_lock_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for lock in (locks.alone, locks.shared, locks.unless_shared):
        with pytest.raises(FlowlockError) as caught, lock(tmp_path / "file" / "lock"):
            pass
        assert caught.value.problems[0].code in ("FL012", "FL013")


def test_who_has_a_lock_alone_may_ask_for_it_again(path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom filelock import FileLock, Timeout\n"
        "try:\n  FileLock(sys.argv[1]).acquire(timeout=0)\nexcept Timeout:\n  print('held')"
    )
    argv = [sys.executable, "-c", code, str(path)]
    with locks.alone(path):
        with locks.alone(path, waiting=lambda: pytest.fail("it is ours")):
            pass
        assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "held\n"
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == ""
