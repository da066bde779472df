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


def test_what_is_no_python_is_refused(tmp_path: Path) -> None:
    assert [problem.code for problem in problems(tmp_path / "absent")] == ["FL402"]
    assert [problem.code for problem in problems(Path(shutil.which("true") or "true"))] == ["FL402"]


def environment(**values: str) -> dict[str, str]:
    return {**find().environment, **values}


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"environment": environment(sys_platform="darwin")}, "FL401"),
        ({"environment": environment(python_version="3.10")}, "FL403"),
        ({"environment": environment(implementation_name="pypy")}, "FL403"),
        ({"environment": environment(python_version="3.9")}, "FL403"),
        ({"variant": "t"}, "FL403"),
        (
            {"paths": {"stdlib": "/usr/lib64/python3.11", "purelib": "/usr/lib/python3.11/site-packages"}},
            "FL404",
        ),
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


@pytest.mark.parametrize(
    ("variant", "name"), [("t", "free-threaded"), ("d", "debug"), ("td", "free-threaded debug"), ("x", "`x`")]
)
def test_a_build_of_another_kind_is_refused_by_name(tmp_path: Path, variant: str, name: str) -> None:
    (problem,) = problems(fake(tmp_path, prefix=str(tmp_path), variant=variant))
    assert (problem.code, problem.message) == ("FL403", f"CPython {find().version} is a {name} build")


@pytest.mark.parametrize("series", ["3.11", "3.14", "3.99", "4.0"])
def test_no_version_is_too_new(tmp_path: Path, series: str) -> None:
    stdlib = tmp_path / "lib" / f"python{series}"
    paths = {"stdlib": str(stdlib), "purelib": str(stdlib / "site-packages")}
    release = environment(python_version=series, python_full_version=f"{series}.0+")
    for file in (stdlib / "os.py", stdlib / "lib-dynload/x", tmp_path / "bin" / f"python{series}"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    python = fake(tmp_path, prefix=str(tmp_path), paths=paths, environment=release, shared=None)
    python.replace(tmp_path / "bin" / f"python{series}")
    found = find(tmp_path / "bin" / f"python{series}")
    assert (found.series, found.version, found.edits) == (series, f"{series}.0", ())


def test_debians_layout_that_is_patched_in_another_way_is_refused_with_a_way_out(tmp_path: Path) -> None:
    series = find().series
    stdlib = tmp_path / "lib" / f"python{series}"
    paths = {"stdlib": str(stdlib), "purelib": str(tmp_path / "local/lib/python3/dist-packages")}
    (stdlib / "lib-dynload").mkdir(parents=True)
    (stdlib / "os.py").touch()
    (stdlib / "site.py").write_text("def getsitepackages(): return []\n")
    (tmp_path / "bin").mkdir()
    python = fake(tmp_path, prefix=str(tmp_path), paths=paths, shared=None)
    python.replace(tmp_path / "bin" / f"python{series}")
    (problem,) = problems(tmp_path / "bin" / f"python{series}")
    assert problem.code == "FL404"
    assert f"lib/python{series}/site.py holds the condition" in problem.message
    assert "make PYTHON=" in (problem.hint or "")


def test_an_incomplete_one_names_what_is_missing(tmp_path: Path) -> None:
    stdlib = tmp_path / "lib" / f"python{find().series}"
    paths = {"stdlib": str(stdlib), "purelib": str(stdlib / "site-packages")}
    found = problems(fake(tmp_path, prefix=str(tmp_path), paths=paths))
    assert [problem.code for problem in found] == ["FL405"]
    assert "lib-dynload" in found[0].message


def test_find_raises_what_problems_returns(tmp_path: Path) -> None:
    with pytest.raises(FlowlockError) as caught:
        find(fake(tmp_path, prefix=str(tmp_path), variant="d"))
    assert caught.value.problems[0].code == "FL403"
