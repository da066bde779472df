"""An install that is killed: nothing of it lives on, and another one begins at once."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from flowlock.edges import files
from flowlock.edges.files import TEMPORARY_PREFIX
from flowlock.running.environment import _compile
from small import processes

SERIES = f"python{sys.version_info.major}.{sys.version_info.minor}"
COMPILE = """
import sys
from pathlib import Path
from flowlock.running.environment import _compile
_compile(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def staged(folder: Path, modules: int) -> Path:
    """Return a staged environment with packages to compile, and our interpreter."""
    staging = folder / f"{TEMPORARY_PREFIX}environment-x"
    packages = staging / "lib" / SERIES / "site-packages"
    packages.mkdir(parents=True)
    (staging / "bin").mkdir()
    (staging / "bin" / SERIES).symlink_to(sys.executable)
    for number in range(modules):
        (packages / f"module{number}.py").write_text("".join(f"x{n} = [{n}]\n" for n in range(300)))
    return staging


def compiled(staging: Path) -> list[str]:
    return sorted(path.name.partition(".")[0] for path in staging.rglob("*.pyc"))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_every_module_is_compiled_and_names_its_final_place(tmp_path: Path) -> None:
    staging = staged(tmp_path, 7)
    (staging / "lib" / SERIES / "site-packages/broken.py").write_text("def {{ name }}():\n")
    _compile(staging, tmp_path / "final")
    assert compiled(staging) == [f"module{number}" for number in range(7)]
    for path in staging.rglob("*.pyc"):
        assert os.fsencode(tmp_path / "final" / "lib" / SERIES) in path.read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no system call binds a process to another")
def test_a_kill_leaves_no_process_behind_and_the_rerun_begins_at_once(tmp_path: Path) -> None:
    staging = staged(tmp_path, 3000)
    running = subprocess.Popen([sys.executable, "-c", COMPILE, staging, tmp_path / "final"])
    until(lambda: bool(compiled(staging)))
    running.kill()
    running.wait()
    files.forget_temporaries(tmp_path)
    assert not staging.exists()
    until(lambda: str(staging) not in processes())
    assert not staging.exists()


def test_a_folder_to_which_a_dying_process_adds_files_is_deleted(tmp_path: Path) -> None:
    folder = tmp_path / f"{TEMPORARY_PREFIX}x"
    folder.mkdir()
    ended = Event()

    def add() -> None:
        for number in range(50):
            with suppress(FileNotFoundError):
                (folder / f"file{number}").touch()
            time.sleep(0.001)
        ended.set()

    Thread(target=add, daemon=True).start()
    files.forget_temporaries(tmp_path)
    ended.wait()
    assert not folder.exists()
