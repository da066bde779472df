"""Which interpreters can be packaged, and what is said of the others."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flowlock.base.interpreter import find, problems
from flowlock.errors import FlowlockError

DEBIAN = Path("/usr/bin/python3")


def fake(folder: Path, **answers: Any) -> Path:
    """Make an executable that answers as our Python does, but for some things."""
    path, script = folder / "python", folder / "python.py"
    # A shebang cannot hold a space, and our interpreter's path may.
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n', encoding="utf-8")
    script.write_text(
        "import json, subprocess, sys\n"
        f"asked = subprocess.run([{sys.executable!r}, *sys.argv[1:]], check=True, stdout=subprocess.PIPE)\n"
        f"print(json.dumps(json.loads(asked.stdout) | json.loads({json.dumps(answers)!r})))\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


def test_ours_can_be_packaged() -> None:
    assert problems() == []
    found = find()
    assert found.series == "{}.{}".format(*sys.version_info[:2])
    assert found.prefix == Path(sys.base_prefix)
    assert found.environment["sys_platform"] == sys.platform


def test_a_virtual_environment_stands_for_its_base(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv é"], check=True)
    assert find(tmp_path / "venv é/bin/python").executable == find().executable


def test_environment_variables_for_another_python_do_not_mislead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    assert problems() == []


@pytest.mark.skipif(not Path("/etc/debian_version").exists() or not DEBIAN.exists(), reason="not a Debian")
def test_the_patched_python_of_debian_is_refused_with_a_way_out() -> None:
    found = problems(DEBIAN)
    assert [problem.code for problem in found] in (["FL404"], ["FL403"])
    assert "make PYTHON=" in (found[0].hint or "")


def test_what_is_no_python_is_refused(tmp_path: Path) -> None:
    assert [problem.code for problem in problems(tmp_path / "absent")] == ["FL402"]
    assert [problem.code for problem in problems(Path(shutil.which("true") or "true"))] == ["FL402"]


def environment(**values: str) -> dict[str, str]:
    return {**find().environment, **values}


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"environment": environment(sys_platform="darwin")}, "FL401"),
        ({"environment": environment(python_version="3.9")}, "FL403"),
        ({"environment": environment(implementation_name="pypy")}, "FL403"),
        ({"variant": "t"}, "FL403"),
        ({"paths": {"stdlib": "/usr/lib/python3.11", "purelib": "/usr/lib/python3/dist-packages"}}, "FL404"),
    ],
)
def test_an_interpreter_that_cannot_be_packaged_says_why(
    tmp_path: Path, answers: dict[str, Any], code: str
) -> None:
    # A prefix of its own, or the Python of the real one would be asked.
    found = problems(fake(tmp_path, prefix=str(tmp_path), **answers))
    assert found[0].code == code
    assert found[0].hint


def test_an_incomplete_one_names_what_is_missing(tmp_path: Path) -> None:
    stdlib = tmp_path / "lib" / f"python{find().series}"
    paths = {"stdlib": str(stdlib), "purelib": str(stdlib / "site-packages")}
    found = problems(fake(tmp_path, prefix=str(tmp_path), paths=paths))
    assert [problem.code for problem in found] == ["FL405"]
    assert "Python.h" in found[0].message


def test_find_raises_what_problems_returns(tmp_path: Path) -> None:
    with pytest.raises(FlowlockError) as caught:
        find(fake(tmp_path, prefix=str(tmp_path), variant="d"))
    assert caught.value.problems[0].code == "FL403"
