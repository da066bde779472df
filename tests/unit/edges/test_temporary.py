import os
import subprocess
import sys
import tempfile
from pathlib import Path

from flowlock.edges.temporary import temporaries_below

# Makes a temporary file, says so, and then waits to be killed.
HOLDER = """
import sys, tempfile
from pathlib import Path
from flowlock.edges.temporary import temporaries_below
with temporaries_below(Path(sys.argv[1])):
    Path(tempfile.mkdtemp(), "half-written").write_text("x")
    print("ready", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    command: list[str | Path] = [sys.executable, "-c", HOLDER, folder]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def half_written(folder: Path) -> list[Path]:
    return list(folder.rglob("half-written"))


def test_temporary_files_lie_below_the_folder_and_end_with_the_block(tmp_path: Path) -> None:
    folder, before = tmp_path / "temporary", tempfile.gettempdir()
    with temporaries_below(folder):
        made = Path(tempfile.mkdtemp())
        child = subprocess.run(
            [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert made.is_relative_to(folder)
        assert child.stdout.strip() == os.environ["TMPDIR"] == str(made.parent)
    assert tempfile.gettempdir() == before
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_a_block_in_a_block_uses_the_same_folder(tmp_path: Path) -> None:
    with temporaries_below(tmp_path):
        outer = tempfile.gettempdir()
        with temporaries_below(tmp_path):
            assert tempfile.gettempdir() == outer
        assert tempfile.gettempdir() == outer
        assert Path(outer).is_dir()


def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    process = holder(tmp_path)
    process.kill()
    process.communicate()
    assert half_written(tmp_path)
    with temporaries_below(tmp_path):
        assert not half_written(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_what_a_living_process_uses_stays(tmp_path: Path) -> None:
    process = holder(tmp_path)
    with temporaries_below(tmp_path):
        assert half_written(tmp_path)
    process.communicate("")
    assert process.returncode == 0
    assert not half_written(tmp_path)
