"""The edges: what is there is never lost, and a process never hangs on who listens to it."""

import sys
from pathlib import Path

import pytest

from flowlock import files, process
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
