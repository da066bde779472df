"""The bytecode of packages: made once, linked into environments, and never believed over an edited source."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flowlock.running.bytecode import LISTING, add_bytecode, read_kept
from small import processes

SERIES = f"python{sys.version_info.major}.{sys.version_info.minor}"
TAG = sys.implementation.cache_tag
SITE = f"lib/{SERIES}/site-packages"
DIGEST = "ab" * 32
ADD = """
import sys
from pathlib import Path
from flowlock.running.bytecode import add_bytecode
add_bytecode(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def environment(folder: Path, modules: dict[str, str], *, sha256: str = DIGEST, name: str = "birds") -> Path:
    """Return an installed environment with one package, and our interpreter."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / SERIES).symlink_to(sys.executable)
    add_package(folder, modules, sha256=sha256, name=name)
    return folder


def add_package(prefix: Path, modules: dict[str, str], *, sha256: str, name: str) -> None:
    paths = []
    for path, text in modules.items():
        (prefix / SITE / path).parent.mkdir(parents=True, exist_ok=True)
        (prefix / SITE / path).write_text(text)
        placeholder = {"prefix_placeholder": "/opt/anaconda"} if "/opt/anaconda" in text else {}
        paths.append({"_path": f"{SITE}/{path}", "path_type": "hardlink", **placeholder})
    record = {"name": name, "version": "1", "build": "0", "sha256": sha256, "paths_data": {"paths": paths}}
    (prefix / "conda-meta").mkdir(exist_ok=True)
    (prefix / "conda-meta" / f"{name}-1-0.json").write_text(json.dumps(record))


def compiled(prefix: Path) -> dict[str, bytes]:
    return {path.name.partition(".")[0]: path.read_bytes() for path in sorted(prefix.rglob("*.pyc"))}


def imported(prefix: Path, module: str, expression: str) -> str:
    command = f"import {module}; print({expression})"
    variables = {"PYTHONPATH": str(prefix / SITE), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    python = prefix / "bin" / SERIES
    done = subprocess.run([python, "-c", command], env=variables, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_second_environment_has_links_to_what_the_first_one_compiled(tmp_path: Path) -> None:
    modules = {"birds/__init__.py": "", "birds/wings.py": "SPAN = 2\n", "birds/in.py": "def {{ name }}():\n"}
    first = environment(tmp_path / "first", modules)
    second = environment(tmp_path / "second", modules)
    # Nothing is compiled for it: its interpreter cannot.
    (second / "bin" / SERIES).unlink()
    (second / "bin" / SERIES).symlink_to("/bin/false")
    for prefix in (first, second):
        add_bytecode(prefix, tmp_path / "kept")
    assert list(compiled(first)) == ["__init__", "wings"]
    path = Path(SITE, f"birds/__pycache__/wings.{TAG}.pyc")
    assert (first / path).stat().st_ino == (second / path).stat().st_ino
    assert [path.name for path in (tmp_path / "kept" / TAG).iterdir()] == [DIGEST]


def test_the_bytes_do_not_depend_on_the_place_or_on_what_else_is_compiled(tmp_path: Path) -> None:
    modules = {f"birds/m{number}.py": f"NAME = {{'a', 'b', 'c{number}'}}\n" for number in range(250)}
    first = environment(tmp_path / "first", modules)
    second = environment(tmp_path / "a sécond", modules)
    add_package(second, {"aaa.py": "NAME = {'a', 'b', 'c3'}\n"}, sha256="cd" * 32, name="aaa")
    add_bytecode(first, tmp_path / "kept")
    add_bytecode(second, tmp_path / "kept too")
    both = compiled(second)
    both.pop("aaa")
    assert len(both) == len(modules)
    assert compiled(first) == both


def test_a_module_that_is_edited_in_the_environment_counts(tmp_path: Path) -> None:
    prefix = environment(tmp_path / "environment", {"birds.py": "SPAN = 2\n"})
    add_bytecode(prefix, tmp_path / "kept")
    assert imported(prefix, "birds", "birds.SPAN") == "2"
    before = (prefix / SITE / "birds.py").stat()
    (prefix / SITE / "birds.py").write_text("SPAN = 3\n")
    os.utime(prefix / SITE / "birds.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert imported(prefix, "birds", "birds.SPAN") == "3"


def test_tracebacks_name_the_file_of_the_environment(tmp_path: Path) -> None:
    prefix = environment(tmp_path / "environment", {"birds.py": "def fly(): pass\n"})
    add_bytecode(prefix, tmp_path / "kept")
    assert imported(prefix, "birds", "birds.fly.__code__.co_filename") == str(prefix / SITE / "birds.py")


def test_modules_with_the_environments_path_and_with_bytecode_of_their_own_are_left_alone(
    tmp_path: Path,
) -> None:
    modules = {"birds.py": "HOME = '/opt/anaconda'\n", "wings.py": "", f"__pycache__/wings.{TAG}.pyc": "own"}
    prefix = environment(tmp_path / "environment", modules)
    add_bytecode(prefix, tmp_path / "kept")
    assert compiled(prefix) == {"wings": b"own"}


def test_modules_of_tests_have_bytecode_when_they_are_imported(tmp_path: Path) -> None:
    modules = {
        f"birds/{name}.py": "SPAN = 2\n"
        for name in ("__init__", "tests/__init__", "tests/test_a", "contests")
    }
    prefix = environment(tmp_path / "environment", modules)
    add_bytecode(prefix, tmp_path / "kept")
    assert [path.relative_to(prefix / SITE / "birds") for path in sorted(prefix.rglob("*.pyc"))] == [
        Path(f"__pycache__/{name}.{TAG}.pyc") for name in ("__init__", "contests")
    ]
    assert imported(prefix, "birds.tests.test_a", "birds.tests.test_a.SPAN") == "2"


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: (kept / LISTING).write_bytes(b"{"),
        lambda kept: (kept / LISTING).unlink(),
        lambda kept: next(kept.rglob("*.pyc")).unlink(),
        lambda kept: os.truncate(next(kept.rglob("*.pyc")), 5),
    ],
)
def test_what_is_damaged_is_made_again(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    modules = {"birds.py": "SPAN = 2\n"}
    first = environment(tmp_path / "first", modules)
    add_bytecode(first, tmp_path / "kept")
    sound = compiled(first)
    kept = tmp_path / "kept" / TAG / DIGEST
    damage(kept)
    assert read_kept(kept) is None
    second = environment(tmp_path / "second", modules)
    add_bytecode(second, tmp_path / "kept")
    assert compiled(second) == sound


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no system call binds a process to another")
def test_a_kill_leaves_no_process_behind_and_the_rerun_begins_at_once(tmp_path: Path) -> None:
    text = "".join(f"x{n} = [{n}]\n" for n in range(300))
    prefix = environment(tmp_path / "environment", {f"m{number}.py": text for number in range(1000)})
    kept = tmp_path / "kept"
    running = subprocess.Popen([sys.executable, "-c", ADD, prefix, kept])
    end = time.monotonic() + 20
    while not any(kept.rglob("*.pyc")):
        assert time.monotonic() < end
        time.sleep(0.02)
    running.kill()
    running.wait()
    while str(prefix) in processes():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert compiled(prefix) == {}
    add_bytecode(prefix, kept)
    assert len(compiled(prefix)) == 1000
    assert [path.name for path in (kept / TAG).iterdir()] == [DIGEST]
