"""How the environment of `make demo` and `make test` is made, on PATHs that are made for it.

The programs on them only write down what they are called with; real ones are tried end to end elsewhere.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared import ROOT

SCRIPT = ROOT / "tools/bootstrap.sh"
TOOLS = ("cat", "cksum", "cp", "cut", "dirname", "mkdir", "mktemp", "paste", "rm", "sed", "sh", "sort")
PYTHON = """\
#!/bin/sh
echo "$0 $*" >>"$CALLS"
case "$*" in
*'import ensurepip, venv'*) exit {no_ensurepip} ;;
*'import pip, venv'*) exit {no_pip} ;;
*' -c '*) [ {fits} = 1 ] || exit 1; printf '%s\\n' {version} "$0" "${{BASE:-$0}}" ;;
--version | -V) echo Python {version} ;;
*'-m venv'*) mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
*'-m pip'*) cp "$STUB_UV" .venv/bin/uv ;;
esac
"""
UV = """\
#!/bin/sh
echo "$0 $* cache=$UV_CACHE_DIR" >>"$CALLS"
case "$*" in
'cache dir') echo "${{CACHE:-/tmp}}" ;;
'python find'*) [ -n "$FINDS" ] && echo "$FINDS" ;;
'venv'*) [ {works} = 1 ] || {{ echo 'error: unexpected argument' >&2; exit 2; }}
    mkdir -p .venv/bin; cp "$3" .venv/bin/python ;;
'pip install'*) cp "$0" .venv/bin/uv ;;
*--dry-run*) [ -z "$OFFLINE" ] || {{ echo 'dns error' >&2; exit 2; }}
    echo 'Would download 3 packages'; echo 'Would install 68 packages'; echo ' + six==1' ;;
esac
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """A project's folder, and a PATH of one folder that holds nothing of the real machine's Pythons."""

    root: Path

    @property
    def bin(self) -> Path:
        return self.root.parent / "bin"

    def python(self, name: str, version: str, *, ensurepip: bool = True, pip: bool = True) -> Path:
        path = self.bin / name
        path.parent.mkdir(parents=True, exist_ok=True)
        minor = int(version.split(".")[1])
        path.write_text(
            PYTHON.format(
                version=version,
                fits=int(minor >= 11),
                no_ensurepip=int(not ensurepip),
                no_pip=int(not pip),
            )
        )
        path.chmod(0o755)
        return path

    def uv(self, *, works: bool = True) -> None:
        (self.bin / "uv").write_text(UV.format(works=int(works)))
        (self.bin / "uv").chmod(0o755)

    def run(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run the script; return its exit code and what it says."""
        environment = {
            "PATH": str(self.bin),
            "CALLS": str(self.root.parent / "calls"),
            "STUB_UV": str(self.root.parent / "stub-uv"),
            **variables,
        }
        done = subprocess.run(
            [self.root / "tools/bootstrap.sh", *arguments],
            env=environment,
            cwd="/",
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.stdout == ""
        return done.returncode, done.stderr

    def calls(self) -> str:
        return (self.root.parent / "calls").read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(root=tmp_path / "a prøject")
    for folder in (made.root / "tools", made.root / "src/one", made.bin):
        folder.mkdir(parents=True)
    shutil.copy2(SCRIPT, made.root / "tools/bootstrap.sh")
    for path in ("pyproject.toml", "src/one/pyproject.toml"):
        (made.root / path).write_text("[project]\n")
    for tool in TOOLS:
        (made.bin / tool).symlink_to(shutil.which(tool) or tool)
    stub = tmp_path / "stub-uv"
    stub.write_text(UV.format(works=1))
    stub.chmod(0o755)
    return made


def test_venv_makes_it_with_the_pip_of_python_and_each_step_has_a_line(machine: Machine) -> None:
    path = machine.python("python3", "3.12.1", ensurepip=False)
    code, said = machine.run()
    assert code == 0
    assert said.splitlines() == [
        f"environment  Python 3.12.1, {path}; made with venv and its pip",
        "environment  downloading uv",
        "environment  resolving what the project needs",
        "environment  downloading 3 packages, installing 68 packages",
    ]
    assert f"{path} -m venv --without-pip .venv\n" in machine.calls()
    assert f"{path} -m pip --python .venv/bin/python install" in machine.calls()
    assert "uv sync --frozen --all-packages --inexact --python .venv/bin/python cache=\n" in machine.calls()


def test_the_second_time_nothing_is_called_and_nothing_is_said(machine: Machine) -> None:
    machine.python("python3", "3.12.1")
    machine.run()
    before = machine.calls()
    assert machine.run(OFFLINE="1") == (0, "")
    after = machine.calls().removeprefix(before)
    assert set(after.splitlines()) == {".venv/bin/python -V"}


@pytest.mark.parametrize("change", ["pyproject.toml", "src/one/pyproject.toml", "src/two/pyproject.toml"])
def test_a_changed_manifest_syncs_again_and_keeps_the_environment(machine: Machine, change: str) -> None:
    machine.python("python3", "3.12.1")
    machine.run()
    path = machine.root / change
    path.parent.mkdir(exist_ok=True)
    path.write_text("[project]\nname = 'x'\n")
    code, said = machine.run()
    assert (code, said.splitlines()[0]) == (0, "environment  resolving what the project needs")


def test_a_project_that_was_moved_is_made_ready_again(machine: Machine) -> None:
    machine.python("python3", "3.12.1")
    machine.run()
    moved = Machine(root=machine.root.rename(machine.root.with_name("moved")))
    assert "resolving" in moved.run()[1]
    assert moved.run() == (0, "")


def test_uv_on_the_path_is_used(machine: Machine) -> None:
    path = machine.python("python3", "3.12.1", ensurepip=False, pip=False)
    machine.uv()
    code, said = machine.run()
    expected = f"environment  Python 3.12.1, {path}; made with uv, {machine.bin / 'uv'}"
    assert (code, said.splitlines()[0]) == (0, expected)


def test_without_a_uv_that_fails_it_goes_on(machine: Machine) -> None:
    machine.python("python3", "3.12.1")
    machine.uv(works=False)
    code, said = machine.run()
    assert code == 0
    assert "unexpected argument" in said
    assert "made with venv" in said


def test_ensurepip_makes_it_where_python_has_no_pip(machine: Machine) -> None:
    path = machine.python("python3", "3.12.1", pip=False)
    code, said = machine.run()
    assert code == 0
    assert said.splitlines()[0] == f"environment  Python 3.12.1, {path}; made with venv"
    assert f"{path} -m venv .venv\n" in machine.calls()
    assert ".venv/bin/python -m pip install" in machine.calls()


WAYS = ("Debian, Ubuntu   apt install", "Fedora           dnf install", "macOS            brew install")


@pytest.mark.parametrize("present", ["no Python", "old", "no pip", "not what was named"])
def test_where_nothing_works_one_message_has_the_commands(machine: Machine, present: str) -> None:
    if present == "old":
        machine.python("python3", "3.9.2")
    elif present == "no pip":
        machine.python("python3", "3.12.1", ensurepip=False, pip=False)
    named = [str(machine.python("python2", "2.7.18"))] if present == "not what was named" else []
    code, said = machine.run(*named)
    assert code == 1
    assert said.count("error:") == 1
    assert [way for way in WAYS if way not in said] == []
    assert "make PYTHON=" in said


def test_of_an_old_python_and_newer_ones_beside_it_the_newest_is_used_and_named(machine: Machine) -> None:
    old = machine.python("python3", "3.9.2")
    machine.python("python3.10", "3.10.13")
    machine.python("python3.11", "3.11.7")
    newest = machine.python("python3.14", "3.14.0")
    machine.python("python3.9", "3.9.2")
    code, said = machine.run()
    assert code == 0
    assert said.splitlines()[:2] == [
        f"environment  {old} is Python 3.9.2, which is not used: 3.11 or newer is needed",
        f"environment  Python 3.14.0, {newest}; made with venv and its pip",
    ]


def test_a_python_of_pyenv_is_used(machine: Machine) -> None:
    root = machine.root.parent / "héme/.pyenv"
    path = machine.python(f"{root}/versions/3.12.1/bin/python3.12", "3.12.1")
    machine.python(f"{root}/versions/3.8.18/bin/python3.8", "3.8.18")
    for variables in ({"HOME": str(root.parent)}, {"PYENV_ROOT": str(root)}):
        shutil.rmtree(machine.root / ".venv", ignore_errors=True)
        assert f"Python 3.12.1, {path};" in machine.run(**variables)[1]


def test_a_python_of_uv_is_used(machine: Machine) -> None:
    machine.python("python3", "3.9.2")
    machine.uv()
    path = machine.python(f"{machine.root.parent}/of uv/python3", "3.13.1")
    assert f"Python 3.13.1, {path}; made with uv" in machine.run(FINDS=str(path))[1]


def test_another_python_that_is_named_replaces_the_environment(machine: Machine) -> None:
    machine.python("python3", "3.12.1")
    other = machine.python("other python", "3.13.0")
    machine.run()
    assert f"Python 3.13.0, {other};" in machine.run(str(other))[1]


def test_an_environment_whose_python_is_gone_is_made_again(machine: Machine) -> None:
    machine.python("python3", "3.12.1")
    machine.run()
    (machine.root / ".venv/bin/python").unlink()
    assert "made with venv" in machine.run()[1]


def test_one_that_was_interrupted_is_made_again(machine: Machine) -> None:
    machine.python("python3", "3.12.1")
    (machine.root / ".venv/bin").mkdir(parents=True)
    shutil.copy2(machine.bin / "python3", machine.root / ".venv/bin/python")
    assert "made with venv" in machine.run()[1]


def test_an_index_that_cannot_be_reached_is_said_with_what_to_check(machine: Machine) -> None:
    machine.python("python3", "3.12.1")
    code, said = machine.run(OFFLINE="1")
    assert code == 1
    assert "dns error" in said
    assert "check the network" in said
    assert machine.run()[0] == 0, "and the next run goes on"


@pytest.mark.parametrize(("cache", "usable"), [("a cäche", True), ("/dev/null/cache", False)])
def test_where_the_cache_cannot_be_written_uv_gets_one_here(
    machine: Machine, cache: str, *, usable: bool
) -> None:
    machine.python("python3", "3.12.1")
    place = machine.root.parent / cache
    assert machine.run(CACHE=str(place))[0] == 0
    own = f"cache={machine.root}/.flowlock/cache/uv"
    assert (own in machine.calls()) is not usable
    assert place.is_dir() is usable


def test_settings_for_other_environments_do_not_reach_the_tools(machine: Machine) -> None:
    path = machine.python("python3", "3.12.1")
    shown = 'echo "$0 $* $VIRTUAL_ENV$PYTHONHOME$UV_PYTHON"'

    path.write_text(path.read_text().replace('echo "$0 $*"', shown))
    machine.run(VIRTUAL_ENV="leak", PYTHONHOME="leak", UV_PYTHON="leak")
    assert "leak" not in machine.calls()


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_each_shell_reads_it(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")
    assert subprocess.run([shell, "-n", SCRIPT], check=False, capture_output=True).stderr == b""
