"""The edges: what is there is never lost, and a process never hangs on who listens to it."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flowlock.edges import files, process
from flowlock.errors import FlowlockError


def test_a_folder_that_cannot_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "results"
    target.mkdir()
    (target / "old").touch()
    rename = Path.rename

    def refuse(self: Path, to: Path) -> Path:
        if to == target and not self.name.endswith(".old"):
            raise PermissionError(13, "Permission denied")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(FlowlockError, match="Permission denied"), files.staged_folder(target) as staging:
        (staging / "new").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert [path.name for path in target.iterdir()] == ["old"]


def test_a_folder_that_a_kill_left_aside_comes_back(tmp_path: Path) -> None:
    target = tmp_path / "results"
    aside = tmp_path / f"{files.TEMPORARY_PREFIX}results.old"
    aside.mkdir()
    (aside / "old").touch()
    with pytest.raises(ValueError, match="stop"), files.staged_folder(target):
        raise ValueError("stop")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert [path.name for path in target.iterdir()] == ["old"]


def test_a_replaced_folder_holds_the_new_files_only(tmp_path: Path) -> None:
    target = tmp_path / "results"
    for name in ("one", "two"):
        with files.staged_folder(target) as staging:
            (staging / name).touch()
    assert [path.name for path in target.iterdir()] == ["two"]
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_listener_that_fails_does_not_hang_the_process() -> None:
    def fail(_line: str) -> None:
        raise BrokenPipeError

    code = "import sys\nfor _ in range(9999): sys.stderr.write('y' * 80 + '\\n')"
    with pytest.raises(BrokenPipeError):
        process.run([sys.executable, "-c", code], each_line=fail)


def test_lines_come_as_they_are_written_and_are_returned_too() -> None:
    heard: list[str] = []
    code = "import sys; print('out'); sys.stderr.write('one\\ntwo\\n'); sys.exit(3)"
    done = process.run([sys.executable, "-c", code], each_line=heard.append, check=False)
    assert heard == ["one", "two"]
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "one\ntwo\n")


def test_a_bound_process_ends_when_we_are_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    sleeper = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    ours = (
        "import sys\nfrom flowlock.edges import process\n"
        "process.run([sys.executable, '-c', sys.argv[1]], bound=True)"
    )
    with subprocess.Popen([sys.executable, "-c", ours, sleeper]) as parent:
        assert soon(lambda: pid_file.is_file() and pid_file.read_text() != "")
        sleeping = Path("/proc", pid_file.read_text())
        assert sleeping.exists()
        parent.kill()
    assert soon(lambda: not sleeping.exists() or "\nState:\tZ" in (sleeping / "status").read_text())


def soon(happens: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.02)
    return happens()


def test_a_bound_process_is_the_command_itself() -> None:
    code = "import os, sys; print(os.environ['ONE'], len(os.environ), sys.argv[1]); sys.exit(4)"
    done = process.run([sys.executable, "-S", "-c", code, "a ß"], env={"ONE": "1"}, check=False, bound=True)
    assert (done.returncode, done.stdout.split()[0], done.stdout.split(" ", 2)[2]) == (4, "1", "a ß\n")


def test_a_bound_command_that_is_not_there_is_reported(tmp_path: Path) -> None:
    done = process.run([tmp_path / "nothing"], check=False, bound=True)
    assert done.returncode == 127
    assert "nothing: No such file or directory" in done.stderr


def test_staging_of_killed_writers_goes_and_that_of_others_stays(tmp_path: Path) -> None:
    (tmp_path / f"{files.TEMPORARY_PREFIX}out-2-abcdefgh").mkdir()
    (tmp_path / f"{files.TEMPORARY_PREFIX}out-abcdefg1" / "inner").mkdir(parents=True)
    files.forget_staged(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == [f"{files.TEMPORARY_PREFIX}out-2-abcdefgh"]
    with files.staged_folder(tmp_path / "out") as staging:
        files.forget_staged(tmp_path / "out")
        assert not staging.exists()
        staging.mkdir()


def test_what_is_removed_goes_whole_and_so_does_what_a_killed_removal_left(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    for path in (folder / "deep" / "er", tmp_path / f"{files.TEMPORARY_PREFIX}out.gone" / "deep"):
        path.mkdir(parents=True)
        (path / "file").touch()
        path.chmod(0o500)
    (tmp_path / "link").symlink_to(folder)
    files.remove(tmp_path / "link")
    assert folder.is_dir()
    files.remove(folder)
    files.remove(folder)
    assert list(tmp_path.iterdir()) == []
