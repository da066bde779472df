"""Run a job in a worker's directory: stage its inputs, run its process, and read its archive."""

import json
import re
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import CancelledError
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from flowlock.builder.contents.remarks import NO_REMARKS, Remarks
from flowlock.builder.plan.result import JobResult
from flowlock.builder.worker.jobs import BuildJob, TestJob
from flowlock.builder.worker.layout import (
    ARTIFACT,
    ENVIRONMENTS,
    HOME,
    JOB,
    LOG,
    RECIPE,
    RESULT,
    SOURCE,
    TEMPORARY,
)
from flowlock.builder.worker.sandbox import ENVIRONMENT, wrapped
from flowlock.edges import files, memo, process
from flowlock.edges.sources import stage
from flowlock.errors import FlowlockError, from_os_error

if TYPE_CHECKING:
    import subprocess

PACKAGES, WORKER = "packages", "worker-"
TAIL = 30
# The last lines of the engine's log: commands for a folder that no longer exists.
_LAST_WORDS = re.compile(r"^Script execution failed\.\n.*?(?=^error: |\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerFolders:
    """The folders of workers: `root` has a directory for each, and the unpacked packages that they share.

    Both are in one folder because environments are links to unpacked packages: links cross no mount, and the
    sandbox mounts what a worker may write to. `record` keeps the state of those packages' files.
    """

    root: Path
    logs: Path
    record: Path | None = None

    @property
    def packages(self) -> Path:
        """The engine's cache."""
        return self.root / PACKAGES


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedJob:
    """How a job ended, and which unpacked packages its environments had; None if that is not known."""

    outcome: JobResult | FlowlockError
    packages: frozenset[str] | None


class JobRunner:
    """Runs jobs in the directories of workers, which stay until all end: a sandbox hides those of others."""

    def __init__(self, folders: WorkerFolders, count: int) -> None:
        self._folders = folders
        self._running: set[subprocess.Popen[str]] = set()
        self._online, self._ended = Lock(), False
        self.directories = [folders.root / f"{WORKER}{number}" for number in range(count)]
        try:
            for folder in (folders.packages, *self.directories):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, "write", folders.root) from error

    def close(self) -> None:
        """End the jobs that run, and let no other start."""
        self._ended = True
        for running in list(self._running):
            process.kill_group(running)

    def run(self, job: BuildJob | TestJob, directory: Path) -> FinishedJob:
        """Run a job in a directory, which is empty again afterwards."""
        started = time.perf_counter()
        try:
            for name in (SOURCE, RECIPE, HOME, TEMPORARY):
                (directory / name).mkdir()
            _stage(job, directory)
            # Engines that fill one package cache over the network at the same time fail now and then.
            with self._online if job.channel_set.network else nullcontext():
                remarks = self._run(job, directory)
            data = files.read_bytes(directory / ARTIFACT) if isinstance(job, BuildJob) else b""
            result = JobResult(data=data, seconds=round(time.perf_counter() - started, 2), remarks=remarks)
            return FinishedJob(outcome=result, packages=_linked(job, directory))
        except FlowlockError as error:
            return FinishedJob(outcome=error, packages=_linked(job, directory))
        except OSError as error:
            raise from_os_error(error, "write", directory) from error
        finally:
            files.empty(directory)

    def _run(self, job: BuildJob | TestJob, directory: Path) -> Remarks:
        if self._ended:
            raise CancelledError
        request = directory / JOB
        request.write_text(json.dumps(job.request()))
        command = wrapped(
            [sys.executable, "-m", "flowlock.builder.worker", str(request)],
            readable=job.channel_set.readable,
            writable=self._folders.root,
            hidden=[other for other in self.directories if other != directory],
            network=job.channel_set.network,
        )
        with process.started(command, cwd=directory, env=self._environment(job, directory)) as running:
            self._running.add(running)
            try:
                _, errors = running.communicate()
            finally:
                self._running.discard(running)
        result = memo.read_plain(directory / RESULT, dict[str, Any]) or {}
        if running.returncode == 0 and result.get("file") == job.identity.artifact.file:
            return Remarks.from_json(result["remarks"]) if "remarks" in result else NO_REMARKS
        raise self._failure(job, directory, result, errors, running.returncode)

    def _environment(self, job: BuildJob | TestJob, directory: Path) -> dict[str, str]:
        """Return the environment of a worker: from ours it has only the path of the package cache."""
        environment = {
            **ENVIRONMENT,
            "HOME": str(directory / HOME),
            "TMPDIR": str(directory / TEMPORARY),
            "RATTLER_CACHE_DIR": str(self._folders.packages),
        }
        if isinstance(job, BuildJob):
            environment["SOURCE_DATE_EPOCH"] = str(int(job.epoch.timestamp()))
        return environment

    def _failure(
        self, job: BuildJob | TestJob, directory: Path, result: Mapping[str, Any], errors: str, code: int
    ) -> FlowlockError:
        artifact = job.identity.artifact
        text = (directory / LOG).read_text(errors="replace") if (directory / LOG).is_file() else ""
        text = _LAST_WORDS.sub("", (text + errors).replace(str(directory), "$WORK"))
        log = self._log_file(job)
        files.write_text(log, text)
        reason = result.get("error") or f"its process ended with exit code {code}"
        if "file" in result:
            reason = f"it produced {result['file']} instead of {artifact.file}"
        failure = "fails its tests" if isinstance(job, TestJob) else "cannot be built"
        hint = f"{result['hint']}; " if result.get("hint") else ""
        return FlowlockError(
            f"{artifact.name} {failure}: {str(reason).splitlines()[0]}",
            code=str(result.get("code", "FL532")),
            detail="\n".join(text.splitlines()[-TAIL:]),
            hint=f"{hint}the complete log is in {log}",
        )

    def _log_file(self, job: BuildJob | TestJob) -> Path:
        """Return where the log of a failure is kept; a native package has one for each variant."""
        artifact = job.identity.artifact
        name = artifact.name if artifact.subdir == "noarch" else artifact.stem
        suffix = ".tests.log" if isinstance(job, TestJob) else ".log"
        return self._folders.logs / f"{name}{suffix}"


def tidy(folders: WorkerFolders) -> None:
    """Remove all but the unpacked packages: workers' directories, and what scripts left. No job may run."""
    if not folders.root.is_dir():
        return
    for path in sorted(folders.root.iterdir()):
        if path != folders.packages or path.is_symlink() or not path.is_dir():
            files.remove(path)


def _stage(job: BuildJob | TestJob, directory: Path) -> None:
    """Copy a job's inputs to where its worker expects them."""
    if isinstance(job, TestJob):
        shutil.copyfile(job.artifact, directory / job.artifact.name)
        return
    stage(job.sources, directory / (RECIPE if job.download else SOURCE))
    if job.patches:
        stage(job.patches, directory / RECIPE)
    if job.download:
        shutil.copyfile(job.download, directory / SOURCE / job.download.name)


def _linked(job: BuildJob | TestJob, directory: Path) -> frozenset[str] | None:
    """Return the packages of a build's environments, which are still there; those of tests are not."""
    records: Iterable[Path] = directory.glob(f"{ENVIRONMENTS}/conda-meta/*.json")
    return frozenset(path.stem for path in records) if isinstance(job, BuildJob) else None
