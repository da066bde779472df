"""Workers: which job begins when, how many at once, and what happens if one spoils what all share."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from flowlock.builder.plan.result import Made
from flowlock.builder.worker.jobs import BuildJob, TestJob
from flowlock.builder.worker.rooms import Ended, Rooms, WorkerFolders, tidy
from flowlock.builder.worker.unpacked import Unpacked
from flowlock.errors import FlowlockError

SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class _Running:
    name: str
    job: BuildJob | TestJob
    room: Path


class Workers:
    """Runs jobs, at most so many at once, for whoever holds the workspace."""

    def __init__(self, place: WorkerFolders, *, jobs: int) -> None:
        self._place, self._jobs = place, jobs

    def run(
        self, waits_for: Mapping[str, set[str]], job: Callable[[str], BuildJob | TestJob]
    ) -> Iterator[tuple[str, Made | FlowlockError]]:
        """Yield each outcome as it ends, making and starting a job when all that it waits for are done.

        What is ready begins in the order given. A job that waits for one that failed is never started, and
        not yielded. The caller has taken an outcome in before the next job is made. Leaving ends what runs.
        """
        if not waits_for:
            return
        tidy(self._place)
        unpacked = Unpacked(self._place.packages, self._place.record)
        unpacked.mend()
        rooms = Rooms(self._place, min(self._jobs, len(waits_for)))
        try:
            with ThreadPoolExecutor(len(rooms.all)) as pool:
                try:
                    yield from _Shift(rooms, unpacked, pool, waits_for, job).outcomes()
                finally:
                    rooms.close()
        finally:
            tidy(self._place)
            unpacked.mend()
            unpacked.save()


class _Shift:
    """One run of workers: who waits for whom, who is in which room, and who has to begin again."""

    def __init__(
        self,
        rooms: Rooms,
        unpacked: Unpacked,
        pool: ThreadPoolExecutor,
        waits_for: Mapping[str, set[str]],
        job: Callable[[str], BuildJob | TestJob],
    ) -> None:
        self._rooms, self._unpacked, self._pool, self._job = rooms, unpacked, pool, job
        self._waits_for = {name: set(needs) for name, needs in waits_for.items()}
        self._free = list(rooms.all)
        self._active: dict[Future[Ended], _Running] = {}
        self._again: list[_Running] = []
        # Those under way that another ran beside, if only for a moment.
        self._accompanied: set[str] = set()

    def outcomes(self) -> Iterator[tuple[str, Made | FlowlockError]]:
        while self._begin():
            for future in wait(self._active, return_when=FIRST_COMPLETED).done:
                running = self._active.pop(future)
                self._free.append(running.room)
                outcome = self._judged(running, future.result())
                if outcome is None:
                    continue
                yield running.name, outcome
                if isinstance(outcome, Made):
                    for needs in self._waits_for.values():
                        needs.discard(running.name)

    def _begin(self) -> bool:
        """Begin what can begin, and say whether anything is under way.

        While a job has to begin again no other begins: it has all for itself, once what is spoilt is gone.
        """
        if self._again and not self._active:
            self._unpacked.mend()
            last = self._again.pop(0)
            self._start(last.name, last.job)
        elif not self._again:
            ready = [name for name, needs in self._waits_for.items() if not needs]
            for name in ready[: len(self._free)]:
                del self._waits_for[name]
                self._start(name, self._job(name))
        return bool(self._active)

    def _start(self, name: str, job: BuildJob | TestJob) -> None:
        room = self._free.pop()
        running = _Running(name=name, job=job, room=room)
        self._accompanied.discard(name)
        if self._active:
            self._accompanied |= {name, *(other.name for other in self._active.values())}
        self._active[self._pool.submit(self._rooms.work, job, room)] = running

    def _judged(self, running: _Running, ended: Ended) -> Made | FlowlockError | None:
        """Return a job's outcome, None if it has to begin again: a file that it shares was changed meanwhile.

        Whether by itself or by a job beside it shows when it is alone. What a test lacks then, because it was
        spoilt, the engine unpacks for that test only: such a test is refused only if it was alone at first.
        """
        failed = isinstance(ended.outcome, FlowlockError)
        foreign = self._foreign(running)
        broken = [*self._unpacked.broken(ended.packages, doubt=failed), *foreign]
        if not broken:
            return ended.outcome
        self._unpacked.remove(foreign)
        if running.name in self._accompanied:
            self._again.append(running)
            return None
        self._unpacked.mend()
        more = f" and {len(broken) - SHOWN} more" if len(broken) > SHOWN else ""
        name = running.job.identity.artifact.name
        return FlowlockError(
            f"{name} changed what environments share: {', '.join(broken[:SHOWN])}{more}",
            code="FL535",
            hint="let its script write a new file and rename it: environments share the files of packages",
        )

    def _foreign(self, judged: _Running) -> list[str]:
        """Return what no engine unpacked, as far as it is known what those under way may unpack."""
        expected: set[str] = set()
        for running in (judged, *self._active.values()):
            packages = running.job.offer.packages
            if packages is None:
                return []
            expected |= {*packages, running.job.identity.artifact.stem}
        return self._unpacked.foreign(expected)
