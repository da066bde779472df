"""Completion of names, options and commands, as bash, zsh and fish have it."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import pytest
import typer

from command_lines import COMMAND
from flowlock import workspace
from flowlock.cli.completion import SCRIPTS, VARIABLE, Shell, offers
from flowlock.commands.init import init
from flowlock.commands.known_names import WorkspaceNames
from flowlock.names import SUBDIRS, TARGET_FORMS
from flowlock.report.explanations import explanations
from flowlock.tasks.discover import signatures
from shared import ROOT, require_part

# What other commands use; each takes longer to import than an answer may take.
SLOW = {"asyncio", "fastapi", "jinja2", "pydantic", "rattler", "requests", "rich", "tomlkit", "yaml"}
KINDS = [f"{kind}:" for kind in TARGET_FORMS]
WORKFLOWS = [workflow.name for workflow in workspace.load(ROOT).workflow_list]


def offered(*words: str) -> list[str]:
    """Return what the last word could be, in this repository."""
    return [name for name, _ in offers(COMMAND, ["-C", str(ROOT), *words])]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("expl",), ["explain"]),
        (("cache", ""), ["ls", "gc"]),
        (("cache", "l"), ["ls"]),
        (("run", "pen"), ["penguins"]),
        (("run", "penguins", ""), []),
        (("run", "penguins", "--params", ""), []),
        (("test", "penguins", "wea"), ["weather"]),
        (
            ("build", "flowlock-c"),
            ["flowlock-core", "flowlock-carbon-workflow", "flowlock-clean-table-workflow"],
        ),
        (("recipe", "weath"), ["weather"]),
        (("tasks", "load_t"), ["load_table"]),
        (("explain", "FL00"), [code for code in explanations() if code.startswith("FL00")]),
        (("publish", "--tag", "v1.0.0", "--to", ""), ["channel", *KINDS]),
        (("publish", "--tag", "v1.0.0", "--to", "g"), ["gitea:", "github:"]),
        (("status", "--to="), ["--to=channel", *(f"--to={kind}" for kind in KINDS)]),
        (("status", "--to", "="), ["channel", *KINDS]),
        (("lock", "-e", ""), ["default", "test"]),
        (("lock", "penguins", "-p", "osx"), ["osx-64", "osx-arm64"]),
        (("export", "conda-e"), ["conda-explicit"]),
        (("export", "conda-explicit", "penguins", "-p", "win"), ["win-64"]),
        (("check", "--format", ""), ["text", "json", "github"]),
        (("--profile", "e"), ["embedded"]),
        (("--profile", "embedded", "run", "pen"), ["penguins"]),
        (("run", "--off"), ["--offline"]),
        (("serve", "penguins", "--", "--po"), []),
        (("nonsense", ""), [*COMMAND.commands]),
    ],
)
def test_the_last_word_is_completed(words: tuple[str, ...], expected: list[str]) -> None:
    assert offered(*words) == expected


def test_every_option_and_command_is_offered_with_its_help() -> None:
    commands = dict(offers(COMMAND, [""]))
    assert set(commands) == set(COMMAND.commands)
    assert all(commands.values())
    for name, command in COMMAND.commands.items():
        options = [option for option in command.params if option.param_type_name == "option"]
        known = set(chain.from_iterable(option.opts for option in options))
        assert known <= {word for word, _ in offers(COMMAND, [name, "-"])}


def test_the_names_are_those_that_the_readers_find() -> None:
    here, names = workspace.load(ROOT), WorkspaceNames(ROOT / "docs")
    assert [name for name, _ in names.workflows()] == WORKFLOWS
    packages = {name for name, _ in names.packages()}
    assert {str(name) for name in here.package_names} <= packages
    assert {str(workflow.distribution) for workflow in here.workflow_list} <= packages
    assert dict(names.targets()) == dict(here.targets)
    assert [name for name, _ in names.platforms()] == list(map(str, here.platforms))
    assert {name for name, _ in names.tasks()} >= set(signatures(here).tasks)


def test_without_a_workspace_or_with_a_broken_one_there_are_few_names_and_no_error(tmp_path: Path) -> None:
    names = WorkspaceNames(tmp_path)
    assert [*names.workflows(), *names.packages(), *names.targets()] == []
    assert [name for name, _ in names.platforms()] == list(SUBDIRS)
    for text in (b"[workspace", b"\xff", b"workspace = 1\ntargets = 2", b"[workspace]\nplatforms = [1]"):
        (tmp_path / "flowlock.toml").write_bytes(text)
        broken = WorkspaceNames(tmp_path)
        assert [*broken.workflows(), *broken.targets()] == []
        assert dict(broken.environments()) == {"default": ""}


@pytest.fixture
def rivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new workspace in a folder with a space, as the current folder, with flowlock on the PATH."""
    root = tmp_path / "rivers and é"
    init(tmp_path / "rivers")
    (tmp_path / "rivers").rename(root)
    monkeypatch.chdir(root)
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "flowlock"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m flowlock "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    return root


def run(shell: str, script: str) -> str:
    program = shutil.which(shell)
    require_part(found=program is not None, part=shell)
    assert program is not None
    quiet = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run([program, *quiet, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


BASH = """
eval "$(flowlock completion bash)"
complete -p flowlock
COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _flowlock flowlock
printf '%%s\\n' "${COMPREPLY[@]}"
"""
# zsh completes in an interactive shell only.
ZSH = """PS1=; autoload -U compinit && compinit -u -D; eval "$(flowlock completion zsh)"; print re""ady
"""
FISH = """
flowlock completion fish | source
complete --do-complete '%s'
"""


@pytest.mark.usefixtures("rivers")
def test_bash_completes() -> None:
    assert run("bash", BASH % "flowlock run h").splitlines()[1:] == ["hello"]
    assert run("bash", BASH % "flowlock explain FL12").splitlines()[1:4] == ["FL120", "FL121", "FL122"]
    assert run("bash", BASH % "flowlock run hello --params ''").splitlines()[1:] == [""]


@pytest.mark.usefixtures("rivers")
def test_fish_completes_with_descriptions_and_files_where_files_are_wanted() -> None:
    assert run("fish", FISH % "flowlock run h") == "hello\tFuel used by vehicle\n"
    assert "FL120\t" in run("fish", FISH % "flowlock explain FL12")
    assert "pixi.toml" in run("fish", FISH % "flowlock lock --manifest-path pi")


def until(terminal: int, wanted: str) -> str:
    """Read what a terminal shows until it has some words."""
    shown, deadline = "", time.monotonic() + 30
    while wanted not in shown:
        assert time.monotonic() < deadline, shown
        if select.select([terminal], [], [], 0.5)[0]:
            shown += os.read(terminal, 65536).decode(errors="replace")
    return shown


def test_zsh_completes(rivers: Path) -> None:
    program = shutil.which("zsh")
    require_part(found=program is not None, part="zsh")
    assert program is not None
    master, slave = pty.openpty()
    shell = subprocess.Popen(
        [program, "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, cwd=rivers, start_new_session=True
    )
    try:
        os.write(master, ZSH.encode())
        until(master, "ready")
        os.write(master, b"flowlock run h\t")
        until(master, "hello")
        os.write(master, b"\x15flowlock explain FL12\t\t")
        until(master, "FL123")
    finally:
        shell.kill()
        shell.wait()
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("shell", Shell)
def test_a_shell_reads_its_script(shell: Shell) -> None:
    program = shutil.which(shell)
    require_part(found=program is not None, part=shell)
    assert program is not None
    done = subprocess.run([program, "-n"], input=SCRIPTS[shell], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [("run", ""), ("tasks", ""), ("explain", ""), ("lock", "-e", "")])
def test_an_answer_imports_nothing_that_it_does_not_need(words: tuple[str, ...]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "flowlock", *words]
    environment = {**os.environ, VARIABLE: "bash"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in imported
    # `bench/completion.py` measures what an answer takes.
    assert imported.isdisjoint(SLOW)


def test_typers_own_completion_is_off() -> None:
    assert isinstance(COMMAND, typer.core.TyperGroup)
    assert not [option for option in COMMAND.params if "--install-completion" in option.opts]
