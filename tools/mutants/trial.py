"""Run the tests of a module against one of its mutants: a new process, in a copy of the package."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

# pytest's exit codes for tests that failed, and for a module that cannot be imported.
KILLED_CODES = (1, 2)
# The mutant's processor seconds are limited, as a busy machine says nothing of it; its wall clock is for a
# mutant that waits for ever.
SECONDS, TIMES, WALL_TIMES = 5, 4, 20
# A process that exceeds its limit of processor seconds ends by one of these.
LIMIT_SIGNALS = (-signal.SIGXCPU, -signal.SIGKILL)


class Outcome(StrEnum):
    """What the tests say of a mutant; only a failing test kills it, not a crash and no time-out."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"
    CRASHED = "crashed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """How a test run ended, and the processor seconds that it took."""

    outcome: Outcome
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """A copy of a package, in which one module after another is replaced by mutants.

    `source` is the folder that holds the package, `root` the folder in which tests run.
    """

    root: Path
    source: Path
    folder: Path

    def copy(self) -> None:
        """Copy the package; its bytecode fits the copies, as they keep the times of the sources."""
        shutil.copytree(self.source, self.folder, dirs_exist_ok=True)

    def module_file(self, module: str) -> Path:
        """Return the copy of a module's file."""
        return self.folder.joinpath(*module.split(".")).with_suffix(".py")

    def replace(self, module: str, source: str) -> None:
        """Replace a module, and remove its bytecode: it fits any text of the same second and size."""
        path = self.module_file(module)
        for kept in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            kept.unlink()
        path.write_text(source, encoding="utf-8")

    def imported_file(self, module: str) -> Path:
        """Return the file that an import of the module reads in this copy's environment."""
        code = "import importlib, sys; print(importlib.import_module(sys.argv[1]).__file__)"
        argv = [sys.executable, "-c", code, module]
        done = subprocess.run(
            argv, cwd=self.root, env=self._environment(), check=True, capture_output=True, text=True
        )
        return Path(done.stdout.strip())

    def run(self, tests: Sequence[str], usual: float | None = None) -> Ran:
        """Run the tests until one fails; `usual` is the processor seconds that they take unchanged."""
        limit = 600 if usual is None else int(SECONDS + TIMES * usual)
        options = ["-x", "-q", "--no-header", "-p", "no:xdist", "-p", "no:cacheprovider"]
        argv = [sys.executable, "-m", "pytest", *options, "--hypothesis-seed=0", *tests]
        limited = ["sh", "-c", 'ulimit -t "$0" && exec "$@"', str(limit), *argv]
        before = time.monotonic()
        process = subprocess.Popen(
            limited,
            cwd=self.root,
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - before > WALL_TIMES * limit:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        return Ran(outcome=outcome_of(process.returncode), seconds=used.ru_utime + used.ru_stime)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}


def outcome_of(code: int) -> Outcome:
    """Return what pytest's exit code says of a mutant."""
    if code == 0:
        return Outcome.SURVIVED
    if code in KILLED_CODES:
        return Outcome.KILLED
    return Outcome.TIMED_OUT if code in LIMIT_SIGNALS else Outcome.CRASHED
