"""A mistake: the edits, the commands that they are met by, and their output as the text of a golden file."""

import io
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from flowlock.cli import main

Edit = Callable[[Path], None]
UNCOMPARED = (".git", "not-git", ".flowlock", "home", "__pycache__")

SPEC = "examples/floods/spec.yaml"
PARAMS = "examples/floods/params.yaml"
CASES = "examples/floods/test-cases.yaml"
TABLE = "examples/floods/levels.csv"
TASK = "src/rivers-tasks/rivers_tasks/keep_high.py"
SETTINGS = "flowlock.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """Edits of a workspace in which everything was in order, and the commands that meet them."""

    commands: Sequence[str]
    edits: Sequence[Edit] = ()
    # The folder where the commands run, from the workspace.
    folder: str = "."

    @property
    def runs(self) -> bool:
        """Whether a command needs the environment of the workflow."""
        return any(command.startswith(("flowlock run", "flowlock test")) for command in self.commands)


def mistake(*commands: str, edits: Sequence[Edit] | Edit = (), folder: str = ".") -> Mistake:
    several = [edits] if callable(edits) else edits
    return Mistake(commands=commands, edits=several, folder=folder)


def write(path: str, content: str | bytes) -> Edit:
    """Write a file; a path that starts with `../` is beside the workspace."""

    def edit(root: Path) -> None:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    return edit


def change(path: str, old: str, new: str) -> Edit:
    """Replace the only place where a file has a text."""

    def edit(root: Path) -> None:
        text = (root / path).read_text()
        assert text.count(old) == 1, f"{path} has {text.count(old)} times {old!r}"
        (root / path).write_text(text.replace(old, new))

    return edit


def append(path: str, text: str) -> Edit:
    """Add lines at the end of a file."""

    def edit(root: Path) -> None:
        (root / path).write_text((root / path).read_text() + text)

    return edit


def git(*arguments: str) -> Edit:
    def edit(root: Path) -> None:
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)

    return edit


def transcript(mistake: Mistake, root: Path) -> str:
    """Make the mistake, and return each command with all that it prints and its exit code."""
    for edit in mistake.edits:
        edit(root)
    before = contents(root)
    told = [typed(command, root / mistake.folder) for command in mistake.commands]
    assert contents(root) == before, "the commands have changed files"
    return normalized("\n".join(told), root)


def typed(command: str, folder: Path) -> str:
    """Run a command line in a folder as if typed there, its output and its errors in their order."""
    printed = io.StringIO()
    _, *arguments = shlex.split(command)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(printed):
        patch.chdir(folder)
        code = main(arguments)
    return f"$ {command}\n{printed.getvalue()}exit code {code}\n"


def contents(root: Path) -> dict[str, bytes]:
    """Return all files of the workspace and beside it, but those that git and flowlock keep."""
    read = {}
    for folder, folders, names in os.walk(root.parent):
        folders[:] = [name for name in folders if name not in UNCOMPARED]
        read.update({f"{folder}/{name}": Path(folder, name).read_bytes() for name in names})
    return read


def normalized(text: str, root: Path) -> str:
    """Take out of an output what differs between machines and between runs."""
    home = root.parent
    for folder, shown in ((root, "/home/ada/rivers"), (home, "/home/ada")):
        text = text.replace(str(folder.resolve()), shown).replace(str(folder), shown)
    text = re.sub(r"\b\d+\.\d+( ?s\b)", r"0.0\1", text)
    text = re.sub(r"/default/[0-9a-f]{16}\b", "/default/…", text)
    text = re.sub(r"/python3\.\d+/", "/python3.…/", text)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
