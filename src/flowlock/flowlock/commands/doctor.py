"""What this machine has, what it lacks, and how to fix it."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import cache_from_source
from itertools import chain, starmap
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

import flowlock
import flowlock_core
from flowlock import workspace
from flowlock.base import interpreter, patchelf
from flowlock.conda import platforms
from flowlock.edges import process
from flowlock.errors import FlowlockError

# Each is started: what is installed may be for another system.
ENGINES = {
    "py-rattler": "import rattler",
    "py-rattler-build": "import rattler_build",
    "uv": "import subprocess, uv; subprocess.run([uv.find_uv_bin(), '--version'], check=True)",
    "zstandard": "import zstandard; zstandard.ZstdCompressor().compress(b'')",
}
# A base channel with pandas and its environments, twice.
ENOUGH_SPACE = 3 * 1024**3


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at; `needed` findings that fail make the doctor fail."""

    name: str
    found: str
    good: bool
    needed: bool = True
    remedy: str | None = None

    @property
    def mark(self) -> str:
        """The state of the finding in one word."""
        if self.good:
            return "ok"
        return "MISSING" if self.needed else "absent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """Everything that was looked at."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing that is needed is missing."""
        return all(finding.good for finding in self.findings if finding.needed)

    def as_json(self) -> Mapping[str, Any]:
        """Return {"ok", "findings": [{name, found, good, needed, remedy}]}."""
        return {"ok": self.ok, "findings": [asdict(finding) for finding in self.findings]}

    def as_text(self) -> str:
        """Return a line a finding, with the remedy under what is missing."""
        lines = []
        for finding in self.findings:
            lines.append(f"{finding.mark:<8} {finding.name:<22} {finding.found}")
            if finding.remedy and not finding.good:
                lines.append(f"{'':<8} → {finding.remedy}")
        return "\n".join(lines)


def examine(folder: Path) -> Diagnosis:
    """Look at Python, the engines, git, the sandbox, the disk and the workspace around `folder`."""
    findings = [
        _python(),
        _platform(),
        *starmap(_engine, ENGINES.items()),
        _bytecode(),
        _git(),
        _sandbox(),
        _space(folder),
    ]
    return Diagnosis(findings=(*findings, *_base_python(), _workspace(folder)))


def _python() -> Finding:
    running = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, interpreter.OLDEST))
    good = sys.version_info >= interpreter.OLDEST
    return Finding(name="Python", found=running, good=good, remedy=f"install Python {wanted} or newer")


def _platform() -> Finding:
    try:
        return Finding(name="platform", found=platforms.current(), good=True)
    except FlowlockError as error:
        return Finding(name="platform", found=error.message, good=False, remedy=error.hint)


def _engine(name: str, trial: str) -> Finding:
    """Start an engine in a separate process, and compare its version with our requirement."""
    remedy = f"install flowlock again, or `pip install --force-reinstall {_wanted(name)}`"
    try:
        installed = version(name)
    except PackageNotFoundError:
        return Finding(name=name, found="not installed", good=False, remedy=remedy)
    tried = process.run([sys.executable, "-c", trial], check=False)
    if tried.returncode != 0:
        reason = (tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"])[-1]
        return Finding(
            name=name, found=f"{installed}, which does not work: {reason}", good=False, remedy=remedy
        )
    wanted = _wanted(name)
    if not wanted.specifier.contains(installed, prereleases=True):
        return Finding(name=name, found=f"{installed}, not {wanted.specifier}", good=False, remedy=remedy)
    return Finding(name=name, found=installed, good=True)


def _wanted(name: str) -> Requirement:
    """Return what our own metadata asks for under a name."""
    requirements = map(Requirement, requires("flowlock") or ())
    return next(requirement for requirement in requirements if requirement.name == name)


def _bytecode() -> Finding:
    """Check whether our modules have bytecode, or get it when they are first imported.

    conda and uv write it when they install, pixi leaves it to Python, which cannot write everywhere.
    """
    folders = [Path(folder) for module in (flowlock, flowlock_core) for folder in module.__path__]
    modules = list(chain.from_iterable(folder.rglob("*.py") for folder in folders))
    without = [path for path in modules if not Path(cache_from_source(path)).is_file()]
    written = not sys.dont_write_bytecode and all(os.access(folder, os.W_OK) for folder in folders)
    coverage = f"of {len(modules)} modules, {len(without)} have none yet"
    if not without:
        coverage = f"of all {len(modules)} modules"
    compiling = shlex.join([sys.executable, "-m", "compileall", "-q", *map(str, folders)])
    return Finding(
        name="bytecode",
        found=coverage,
        good=not without or written,
        needed=False,
        remedy=f"each start compiles these modules again: run `{compiling}` as a user with write access",
    )


def _git() -> Finding:
    if shutil.which("git") is None:
        return Finding(name="git", found="not on PATH", good=False, remedy="install git")
    installed = process.run(["git", "--version"]).stdout.removeprefix("git version").strip()
    return Finding(name="git", found=installed, good=True)


def _sandbox() -> Finding:
    bwrap = shutil.which("bwrap")
    return Finding(
        name="bubblewrap",
        found="builds cannot read the home directory" if bwrap else "builds run without a sandbox",
        good=bwrap is not None,
        needed=False,
        remedy="install bubblewrap (Debian: apt install bubblewrap) to build in a sandbox",
    )


def _space(folder: Path) -> Finding:
    existing = next(parent for parent in (folder.resolve(), *folder.resolve().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    return Finding(
        name="free disk space",
        found=f"{free / 1024**3:.1f} GiB",
        good=free > ENOUGH_SPACE,
        remedy=f"the embedded profile needs about {ENOUGH_SPACE // 1024**3} GiB",
    )


def _base_python() -> list[Finding]:
    faults = [*interpreter.problems(Path(sys.executable)), *patchelf.problems()]
    if not faults:
        verdict = "can be packaged for the embedded profile"
        return [Finding(name="base interpreter", found=verdict, good=True, needed=False)]
    return [
        Finding(name="base interpreter", found=fault.message, good=False, needed=False, remedy=fault.hint)
        for fault in faults
    ]


def _workspace(folder: Path) -> Finding:
    try:
        loaded = workspace.load(workspace.find(folder))
    except FlowlockError as error:
        first = error.problems[0]
        where = f"{first.location}: " if first.location else ""
        found_here = f"{where}{first.message}"
        return Finding(name="workspace", found=found_here, good=False, needed=False, remedy=first.hint)
    return Finding(name="workspace", found=f"{loaded.name} {loaded.version}", good=True)
