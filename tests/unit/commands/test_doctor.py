"""The doctor tries the engines, and says what is wrong with one that does not work."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from flowlock.commands import doctor


def findings(tmp_path: Path, modules: Path, **variables: str) -> dict[str, Any]:
    """Examine an empty folder, with some modules before those that are installed."""
    done = subprocess.run(
        [sys.executable, "-m", "flowlock", "-C", str(tmp_path), "--json", "doctor"],
        env={**os.environ, "PYTHONPATH": str(modules), **variables},
        check=False,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr
    document = json.loads(done.stdout)
    assert done.returncode == (0 if document["ok"] else 1)
    return {one["name"]: one for one in document["findings"]}


def test_engines_that_work_are_told_with_their_versions(tmp_path: Path) -> None:
    found = findings(tmp_path, tmp_path)
    assert all(found[name]["good"] for name in doctor.ENGINES)
    assert found["zstandard"]["found"] == "0.25.0"


def test_an_engine_that_cannot_be_imported_is_told_with_its_own_words(tmp_path: Path) -> None:
    modules = tmp_path / "módules"
    (modules / "rattler").mkdir(parents=True)
    (modules / "rattler/__init__.py").write_text("raise ImportError('GLIBC_2.99 not found')\n")
    one = findings(tmp_path, modules)["py-rattler"]
    assert not one["good"]
    assert "which does not work: ImportError: GLIBC_2.99 not found" in one["found"]
    assert "py-rattler<0.29,>=0.28" in one["remedy"]


def test_an_engine_of_another_version_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "modules" / "zstandard-0.24.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: zstandard\nVersion: 0.24.0\n")
    one = findings(tmp_path, folder.parent)["zstandard"]
    assert (one["good"], one["found"]) == (False, "0.24.0, not ==0.25.0")


def test_modules_that_never_get_bytecode_are_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    cache = {"PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode")}
    one = findings(tmp_path, tmp_path, **cache, PYTHONDONTWRITEBYTECODE="1")["bytecode"]
    assert not one["good"]
    count = int(one["found"].split()[1])
    assert one["found"] == f"of {count} modules, {count} have none yet"
    command = shlex.split(one["remedy"].split("`")[1])
    subprocess.run(command, env={**os.environ, **cache}, check=True)
    made = findings(tmp_path, tmp_path, **cache, PYTHONDONTWRITEBYTECODE="1")["bytecode"]
    assert (made["good"], made["found"]) == (True, f"of all {count} modules")


def test_modules_that_get_bytecode_when_they_are_imported_are_no_fault(tmp_path: Path) -> None:
    cache = {"PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
    assert findings(tmp_path, tmp_path, **cache)["bytecode"]["good"]
    assert list((tmp_path / "bytecode").rglob("doctor.*.pyc"))
