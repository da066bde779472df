"""A page of the documentation as readers follow it: files written, changes applied, every command run.

A `sh` block is run, a `text` block after it holds lines of its output, a block after "Write `path`:" is that
file, a `diff` block is applied.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared import ROOT

ANYTHING = "…"
WRITTEN = re.compile(r"Write\s+`(?P<path>[^`]+)`:$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A fenced block: its language, its text, the words just before it, and its line in the tutorial."""

    language: str
    text: str
    before: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        before = text[: match.start()]
        yield Block(
            language=match[1], text=match[2], before=before.rstrip()[-200:], line=before.count("\n") + 1
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Someone who does what the tutorial says, in a shell that remembers folder and variables."""

    home: Path
    programs: Path

    @property
    def folder(self) -> Path:
        kept = self.home / "folder"
        return Path(kept.read_text().strip()) if kept.exists() else self.home

    def runs(self, commands: str) -> str:
        """Run the commands of one block; return all they print. The first that fails is an error."""
        state = f"[ ! -f '{self.home}/variables' ] || . '{self.home}/variables'"
        keep = f"pwd > '{self.home}/folder'; export -p > '{self.home}/variables'"
        done = subprocess.run(
            ["bash", "-c", f"{state}\nset -e\n{commands}\nset +e\n{keep}"],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\nexited with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def environment(self) -> dict[str, str]:
        """The variables of a fresh account, with flowlock on the PATH."""
        dropped = (
            "PYTHONDONTWRITEBYTECODE",
            "FLOWLOCK_PROFILE",
            "PYTHONPATH",
            "VIRTUAL_ENV",
            "XDG_CACHE_HOME",
        )
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        programs = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "HOME": str(self.home), "PATH": programs, "LC_ALL": "C.UTF-8"}

    def writes(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def applies(self, diff: str) -> None:
        patch = ["git", "apply", "-"]
        done = subprocess.run(patch, input=diff, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{diff}"


def missing(expected: str, output: str) -> str | None:
    """Return the first line of a `text` block that the output does not have, after those before it."""
    lines = iter(output.splitlines())
    for wanted in expected.splitlines():
        if wanted == ANYTHING:
            continue
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in wanted.split(ANYTHING)))
        if not any(pattern.fullmatch(line.strip()) for line in lines):
            return wanted
    return None


def follow(home: Path, programs: Path, page: str = "tutorial.md") -> None:
    """Do what a page of docs/ says, from an empty home, with the flowlock that is in a folder of programs."""
    reader = Reader(home=home, programs=programs)
    output = ""
    for block in blocks((ROOT / "docs" / page).read_text()):
        where = f"docs/{page}:{block.line}"
        written = WRITTEN.search(block.before)
        if written:
            reader.writes(written["path"], block.text)
        elif block.language == "diff":
            reader.applies(block.text)
        elif block.language == "sh":
            output = reader.runs(block.text)
        elif block.language == "text":
            lost = missing(block.text, output)
            assert lost is None, f"{where}: `{lost}` is not in the output:\n{output}"
        else:
            pytest.fail(f"{where}: nobody is told what to do with this {block.language} block")
