"""One job in one room: inputs are staged, a process of its own works on them, its archive is taken."""

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
from flowlock.builder.plan.result import Made
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

PACKAGES, ROOM = "packages", "room-"
TAIL = 30
# How the engine closes: with commands for a folder that is gone by then.
_LAST_WORDS = re.compile(r"^Script execution failed\.\n.*?(?=^error: |\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerFolders:
    """Where workers work: `root` has a room for each, and the unpacked packages that they share.

    Both lie in one folder because environments are links to unpacked packages: links cross no mount, and the
    sandbox mounts what a worker may write to. `record` is where it is kept how those packages are.
    """

    root: Path
    logs: Path
    record: Path | None = None

    @property
    def packages(self) -> Path:
        """The engine's cache."""
        return self.root / PACKAGES


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a job ended, and which unpacked packages its environments had; None if that is not known."""

    outcome: Made | FlowlockError
    packages: frozenset[str] | None


class Rooms:
    """The rooms of so many workers. They stay while anybody works: a sandbox hides all but its own."""

    def __init__(self, place: WorkerFolders, count: int) -> None:
        self._place = place
        self._running: set[subprocess.Popen[str]] = set()
        self._online, self._ended = Lock(), False
        self.all = [place.root / f"{ROOM}{number}" for number in range(count)]
        try:
            for folder in (place.packages, *self.all):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, "write", place.root) from error

    def close(self) -> None:
        """End what runs, and let nothing more begin."""
        self._ended = True
        for running in list(self._running):
            process.kill_group(running)

    def work(self, job: BuildJob | TestJob, room: Path) -> Ended:
        """Run a job in a room, which is empty again afterwards."""
        started = time.perf_counter()
        try:
            for name in (SOURCE, RECIPE, HOME, TEMPORARY):
                (room / name).mkdir()
            _stage(job, room)
            # Engines that fill one package cache over the network at the same time fail now and then.
            with self._online if job.offer.network else nullcontext():
                remarks = self._run(job, room)
            data = files.read_bytes(room / ARTIFACT) if isinstance(job, BuildJob) else b""
            made = Made(data=data, seconds=round(time.perf_counter() - started, 2), remarks=remarks)
            return Ended(outcome=made, packages=_linked(job, room))
        except FlowlockError as error:
            return Ended(outcome=error, packages=_linked(job, room))
        except OSError as error:
            raise from_os_error(error, "write", room) from error
        finally:
            files.empty(room)

    def _run(self, job: BuildJob | TestJob, room: Path) -> Remarks:
        if self._ended:
            raise CancelledError
        order = room / JOB
        order.write_text(json.dumps(job.order()))
        command = wrapped(
            [sys.executable, "-m", "flowlock.builder.worker", str(order)],
            readable=job.offer.readable,
            writable=self._place.root,
            hidden=[other for other in self.all if other != room],
            network=job.offer.network,
        )
        with process.started(command, cwd=room, env=self._environment(job, room)) as running:
            self._running.add(running)
            try:
                _, errors = running.communicate()
            finally:
                self._running.discard(running)
        result = _json(room / RESULT)
        if running.returncode == 0 and result.get("file") == job.identity.artifact.file:
            return Remarks.from_json(result["remarks"]) if "remarks" in result else NO_REMARKS
        raise self._failure(job, room, result, errors, running.returncode)

    def _environment(self, job: BuildJob | TestJob, room: Path) -> dict[str, str]:
        """Return the whole environment of a worker: nothing of ours but where the package cache is."""
        epoch = {"SOURCE_DATE_EPOCH": str(int(job.epoch.timestamp()))} if isinstance(job, BuildJob) else {}
        return {
            **ENVIRONMENT,
            **epoch,
            "HOME": str(room / HOME),
            "TMPDIR": str(room / TEMPORARY),
            "RATTLER_CACHE_DIR": str(self._place.packages),
        }

    def _failure(
        self, job: BuildJob | TestJob, room: Path, result: Mapping[str, Any], errors: str, code: int
    ) -> FlowlockError:
        tests = isinstance(job, TestJob)
        name = (
            job.identity.artifact.name
            if job.identity.artifact.subdir == "noarch"
            else job.identity.artifact.stem
        )
        log = self._place.logs / f"{name}{'.tests' if tests else ''}.log"
        text = (room / LOG).read_text(errors="replace") if (room / LOG).is_file() else ""
        text = _LAST_WORDS.sub("", (text + errors).replace(str(room), "$WORK"))
        files.write_text(log, text)
        reason = result.get("error") or f"its process ended with {code}"
        if "file" in result:
            reason = f"it gave {result['file']} where {job.identity.artifact.file} was expected"
        what = "fails its tests" if tests else "cannot be built"
        hint = f"{result['hint']}; " if result.get("hint") else ""
        return FlowlockError(
            f"{job.identity.artifact.name} {what}: {str(reason).splitlines()[0]}",
            code=str(result.get("code", "FL532")),
            detail="\n".join(text.splitlines()[-TAIL:]),
            hint=f"{hint}the whole log is in {log}",
        )


def tidy(place: WorkerFolders) -> None:
    """Remove all but the unpacked packages: rooms, and what scripts put there; only while nobody works."""
    for path in sorted(place.root.iterdir()) if place.root.is_dir() else []:
        if path != place.packages or path.is_symlink() or not path.is_dir():
            files.remove(path)


def _stage(job: BuildJob | TestJob, room: Path) -> None:
    """Copy a job's inputs to where its worker looks for them."""
    if isinstance(job, TestJob):
        shutil.copyfile(job.artifact, room / job.artifact.name)
        return
    stage(job.sources, room / (RECIPE if job.download else SOURCE))
    if job.patches:
        stage(job.patches, room / RECIPE)
    if job.download:
        shutil.copyfile(job.download, room / SOURCE / job.download.name)


def _linked(job: BuildJob | TestJob, room: Path) -> frozenset[str] | None:
    """Return the packages of a build's environments, which are still there; those of tests are not."""
    records: Iterable[Path] = room.glob(f"{ENVIRONMENTS}/conda-meta/*.json")
    return frozenset(path.stem for path in records) if isinstance(job, BuildJob) else None


def _json(path: Path) -> dict[str, Any]:
    return memo.read_plain(path, dict[str, Any]) or {}
