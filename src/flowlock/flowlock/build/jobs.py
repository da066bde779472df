"""Worker processes: each gets staged sources and a minimal environment, and ends with us."""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from flowlock import files, process
from flowlock.build.identity import Identity
from flowlock.build.layout import ARTIFACT, HOME, JOB, LOG, PACKAGES, RECIPE, RESULT, SOURCE, TEMPORARY
from flowlock.build.linked import mend
from flowlock.build.locked import Offer
from flowlock.build.sandbox import ENVIRONMENT, wrapped
from flowlock.errors import FlowlockError, from_os_error
from flowlock.recipe import Recipe
from flowlock.sources import Sources, stage

if TYPE_CHECKING:
    import subprocess

WORK, ROOM = "build-", "room-"
TAIL = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One package to build; of a vendored one, `download` is the file that it is built from."""

    recipe: Recipe
    identity: Identity
    sources: Sources
    epoch: datetime
    offer: Offer
    variant: Mapping[str, str] = field(default_factory=dict)
    download: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TestJob:
    """An artifact whose own tests are to be run, with packages of these channels."""

    identity: Identity
    artifact: Path
    offer: Offer


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What a worker made: the canonical archive's bytes; nothing if it ran tests, which passed."""

    data: bytes
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where workers work: `root` has a room for each, and the unpacked packages that they share.

    Both lie in one folder because environments are links to unpacked packages: links cross no mount, and the
    sandbox mounts what a worker may write to.
    """

    root: Path
    logs: Path

    @property
    def packages(self) -> Path:
        """The engine's cache."""
        return self.root / PACKAGES

    def rooms(self, count: int) -> list[Path]:
        """Return so many rooms, which stay there while anybody works: a sandbox hides all but its own."""
        return [self.root / f"{ROOM}{number}" for number in range(count)]


class Workers:
    """Runs jobs, at most so many at once; leaving the block ends what still runs."""

    def __init__(self, place: Place, *, jobs: int) -> None:
        self._place, self._jobs = place, jobs
        self._running: set[subprocess.Popen[str]] = set()
        self._rooms: list[Path] = []
        self._since = 0
        self._online, self._ended = Lock(), False

    def run(
        self, waits_for: Mapping[str, set[str]], job: Callable[[str], Job | TestJob]
    ) -> Iterator[tuple[str, Made | FlowlockError]]:
        """Yield each outcome as it ends, making and starting a job when all that it waits for are done.

        A job that waits for one that failed is never started, and not yielded. The caller has taken an
        outcome in before the next job is made.
        """
        left = list(waits_for)
        open_needs = {name: set(needs) for name, needs in waits_for.items()}
        active: dict[Future[Made], tuple[str, Path]] = {}
        self._ended = False
        free = self._open_rooms(min(self._jobs, len(left)))
        with ThreadPoolExecutor(self._jobs) as pool:
            try:
                while left or active:
                    ready = [name for name in left if not open_needs[name]]
                    for name in ready[: len(free)]:
                        left.remove(name)
                        made, room = job(name), free.pop()
                        active[pool.submit(self._run, made, room)] = (name, room)
                    if not active:
                        return
                    for future in wait(active, return_when=FIRST_COMPLETED).done:
                        name, room = active.pop(future)
                        free.append(room)
                        outcome = _outcome(future)
                        yield name, outcome
                        if isinstance(outcome, Made):
                            for needs in open_needs.values():
                                needs.discard(name)
            finally:
                self._ended = True
                for running in list(self._running):
                    process.kill_group(running)

    def _open_rooms(self, count: int) -> list[Path]:
        self._rooms = self._place.rooms(count)
        try:
            for folder in self._rooms:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, "write", self._place.root) from error
        if self._rooms and not self._since:
            self._since = mend(self._place.packages)
        return list(self._rooms)

    def _run(self, job: Job | TestJob, room: Path) -> Made:
        """Stage the inputs, run the worker, and take its archive; its folder is gone in any case."""
        started = time.perf_counter()
        try:
            work = Path(tempfile.mkdtemp(prefix=WORK, dir=room))
        except OSError as error:
            raise from_os_error(error, "write", room) from error
        try:
            for name in (SOURCE, RECIPE, HOME, TEMPORARY):
                (work / name).mkdir()
            _stage(job, work)
            # Engines that fill one package cache over the network at the same time fail now and then.
            with self._online if job.offer.network else nullcontext():
                self._work(job, work)
            data = files.read_bytes(work / ARTIFACT) if isinstance(job, Job) else b""
            return Made(data=data, seconds=round(time.perf_counter() - started, 2))
        except OSError as error:
            raise from_os_error(error, "write", work) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _work(self, job: Job | TestJob, work: Path) -> None:
        if self._ended:
            raise CancelledError
        order = work / JOB
        order.write_text(json.dumps({**_order(job), "since": self._since}))
        command = wrapped(
            [sys.executable, "-m", "flowlock.build.worker", str(order)],
            readable=job.offer.readable,
            writable=self._place.root,
            hidden=[room for room in self._rooms if room != work.parent],
            network=job.offer.network,
        )
        with process.started(command, cwd=work, env=self._environment(job, work)) as running:
            self._running.add(running)
            try:
                _, errors = running.communicate()
            finally:
                self._running.discard(running)
        result = _json(work / RESULT)
        if running.returncode == 0 and result.get("file") == job.identity.file:
            return
        raise self._failure(job, work, result, errors, running.returncode)

    def _environment(self, job: Job | TestJob, work: Path) -> dict[str, str]:
        """Return the whole environment of a worker: nothing of ours but where the package cache is."""
        epoch = {"SOURCE_DATE_EPOCH": str(int(job.epoch.timestamp()))} if isinstance(job, Job) else {}
        return {
            **ENVIRONMENT,
            **epoch,
            "HOME": str(work / HOME),
            "TMPDIR": str(work / TEMPORARY),
            "RATTLER_CACHE_DIR": str(self._place.packages),
        }

    def _failure(
        self, job: Job | TestJob, work: Path, result: Mapping[str, Any], errors: str, code: int
    ) -> FlowlockError:
        tests = isinstance(job, TestJob)
        name = job.identity.name if job.identity.subdir == "noarch" else job.identity.stem
        log = self._place.logs / f"{name}{'.tests' if tests else ''}.log"
        text = (work / LOG).read_text(errors="replace") if (work / LOG).is_file() else ""
        text = (text + errors).replace(str(work), "$WORK")
        files.write_text(log, text)
        reason = result.get("error") or f"its process ended with {code}"
        if "file" in result:
            reason = f"it gave {result['file']} where {job.identity.file} was expected"
        what = "fails its tests" if tests else "cannot be built"
        return FlowlockError(
            f"{job.identity.name} {what}: {str(reason).splitlines()[0]}",
            code=str(result.get("code", "FL532")),
            detail="\n".join(text.splitlines()[-TAIL:]),
            hint=f"the whole log is in {log}",
        )


def _stage(job: Job | TestJob, work: Path) -> None:
    """Copy a job's inputs to where its worker looks for them."""
    if isinstance(job, TestJob):
        shutil.copyfile(job.artifact, work / job.artifact.name)
        return
    stage(job.sources, work / (RECIPE if job.download else SOURCE))
    if job.download:
        shutil.copyfile(job.download, work / SOURCE / job.download.name)


def forget_leftovers(place: Place) -> None:
    """Remove the workers' rooms, and what killed ones left there; only for who holds the workspace."""
    for path in place.root.glob(f"{ROOM}*"):
        shutil.rmtree(path, ignore_errors=True)


def _outcome(future: Future[Made]) -> Made | FlowlockError:
    try:
        return future.result()
    except FlowlockError as error:
        return error


def _order(job: Job | TestJob) -> dict[str, Any]:
    if isinstance(job, TestJob):
        return {"test": job.artifact.name, "channels": job.offer.channels}
    return {
        "document": job.recipe.document,
        "recipe_text": job.recipe.canonical_text,
        "build_string": job.identity.build,
        "epoch": job.epoch.isoformat(),
        "portable": job.recipe.noarch is not None,
        "channels": job.offer.channels,
        "variant": dict(job.variant),
        "fetched": job.download is not None,
        "archive": job.download.name if job.download and job.recipe.sources else None,
    }


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}
