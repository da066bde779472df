"""A copy of this repository in which tests run commands as a user would."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowlock.edges import git
from flowlock.edges.state_folder import StateFolder
from shared import ROOT

# Their environment has 1.4 GB: a test of its own syncs and runs them, where `make test-parts` was run.
LARGE = ("events", "patrols", "subject-tracking")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkout:
    """A copy of the repository in which commands are run as a user would."""

    root: Path

    @property
    def state(self) -> StateFolder:
        return StateFolder.of(self.root)

    def flowlock(self, *arguments: str | Path, cwd: Path | None = None, **variables: str) -> Outcome:
        """Run flowlock in the embedded profile with a home directory of its own."""
        home = self.root.parent / "home"
        home.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            [sys.executable, "-m", "flowlock", "--profile", "embedded", *map(str, arguments)],
            cwd=cwd or self.root,
            env={**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(code=done.returncode, out=done.stdout, err=done.stderr)

    def stages(self, *arguments: str) -> dict[str, str]:
        """Sync, and return stage → status."""
        done = self.flowlock("--json", "sync", *arguments)
        assert done.code == 0, done.err
        return {stage["name"]: stage["status"] for stage in done.document["stages"]}

    def channel_files(self) -> dict[str, bytes]:
        """Return every file of the local channel."""
        channel = self.state.channel
        return {str(p.relative_to(channel)): p.read_bytes() for p in channel.rglob("*") if p.is_file()}


def copy_repository(target: Path, *, large: bool = False) -> None:
    """Copy what git lists of this repository, uncommitted edits included, into a repository of its own.

    Workflows with a large environment are left out, unless they are asked for.
    """
    left_out = tuple(f"examples/{name}/" for name in LARGE)
    for name in git.source_files(ROOT):
        if large or not name.startswith(left_out):
            _copy_source(name, target)
    command = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    # Hundreds of tests copy the repository: git's objects are two files, not thousands.
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "All"], ["gc", "-q"]):
        subprocess.run([*command, *arguments], cwd=target, check=True)


def add_large(target: Path) -> None:
    """Add the workflows with a large environment to a copy of the repository."""
    wanted = tuple(f"examples/{name}/" for name in LARGE)
    for name in git.source_files(ROOT):
        if name.startswith(wanted):
            _copy_source(name, target)


def _copy_source(name: str, target: Path) -> None:
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(ROOT / name, target / name)


def linked_copy(synced: Checkout, root: Path) -> Checkout:
    """Copy a synced checkout with hard links; it shares the unpacked packages and their bytecode."""
    copy = Checkout(root=root)
    shutil.copytree(synced.root, copy.root, copy_function=os.link, symlinks=True, ignore=_unless_copied)
    shared = (synced.state.unpacked_packages, synced.state.bytecode)
    for folder in shared:
        folder.mkdir(exist_ok=True)
        (copy.state.cache / folder.name).symlink_to(folder)
    return copy


def _unless_copied(folder: str, names: list[str]) -> list[str]:
    """Return what no copy gets: environments, whose paths are the checkout's, and what is shared."""
    left_out = {"cache": {"pkgs", "bytecode"}, ".flowlock": {"envs"}}.get(Path(folder).name, set())
    return [name for name in names if name in left_out]
