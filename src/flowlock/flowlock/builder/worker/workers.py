"""The scheduler of workers: which job starts when, how many run at once, and which has to run again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from flowlock.builder.plan.result import JobResult
from flowlock.builder.worker.job_runner import FinishedJob, JobRunner, WorkerFolders, tidy
from flowlock.builder.worker.jobs import BuildJob, TestJob
from flowlock.builder.worker.unpacked import Unpacked
from flowlock.errors import FlowlockError, shortened

SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class _RunningJob:
    name: str
    job: BuildJob | TestJob
    directory: Path


class Workers:
    """Runs jobs, up to a number of them at once; the caller holds the workspace."""

    def __init__(self, folders: WorkerFolders, *, jobs: int) -> None:
        self._folders, self._jobs = folders, jobs

    def run(
        self, waits_for: Mapping[str, set[str]], job: Callable[[str], BuildJob | TestJob]
    ) -> Iterator[tuple[str, JobResult | FlowlockError]]:
        """Yield each outcome as a job ends, making and starting a job when all that it waits for are done.

        Jobs that are ready start in the order of `waits_for`. A job that waits for one that failed is never
        started, and not yielded. The caller has processed an outcome before the next job is made. Closing the
        iterator ends the jobs that run.
        """
        if not waits_for:
            return
        tidy(self._folders)
        unpacked = Unpacked(self._folders.packages, self._folders.record)
        unpacked.mend()
        runner = JobRunner(self._folders, min(self._jobs, len(waits_for)))
        try:
            with ThreadPoolExecutor(len(runner.directories)) as pool:
                try:
                    yield from _Scheduler(runner, unpacked, pool, waits_for, job).outcomes()
                finally:
                    runner.close()
        finally:
            tidy(self._folders)
            unpacked.mend()
            unpacked.save()


class _Scheduler:
    """One run of workers: which job waits for which, which directories are free, what has to run again."""

    def __init__(
        self,
        runner: JobRunner,
        unpacked: Unpacked,
        pool: ThreadPoolExecutor,
        waits_for: Mapping[str, set[str]],
        job: Callable[[str], BuildJob | TestJob],
    ) -> None:
        self._runner, self._unpacked, self._pool, self._job = runner, unpacked, pool, job
        self._waits_for = {name: set(needs) for name, needs in waits_for.items()}
        self._free = list(runner.directories)
        self._active: dict[Future[FinishedJob], _RunningJob] = {}
        self._reruns: list[_RunningJob] = []
        # Those under way that another ran beside, if only for a short time.
        self._accompanied: set[str] = set()

    def outcomes(self) -> Iterator[tuple[str, JobResult | FlowlockError]]:
        while self._start_ready():
            for future in wait(self._active, return_when=FIRST_COMPLETED).done:
                running = self._active.pop(future)
                self._free.append(running.directory)
                outcome = self._outcome(running, future.result())
                if outcome is None:
                    continue
                yield running.name, outcome
                if isinstance(outcome, JobResult):
                    for needs in self._waits_for.values():
                        needs.discard(running.name)

    def _start_ready(self) -> bool:
        """Start the jobs that can start, and say whether any is under way.

        While a job has to run again no other starts: it runs alone, once the spoilt packages are gone.
        """
        if self._reruns and not self._active:
            self._unpacked.mend()
            again = self._reruns.pop(0)
            self._start(again.name, again.job)
        elif not self._reruns:
            ready = [name for name, needs in self._waits_for.items() if not needs]
            for name in ready[: len(self._free)]:
                del self._waits_for[name]
                self._start(name, self._job(name))
        return bool(self._active)

    def _start(self, name: str, job: BuildJob | TestJob) -> None:
        directory = self._free.pop()
        running = _RunningJob(name=name, job=job, directory=directory)
        self._accompanied.discard(name)
        if self._active:
            self._accompanied |= {name, *(other.name for other in self._active.values())}
        self._active[self._pool.submit(self._runner.run, job, directory)] = running

    def _outcome(self, running: _RunningJob, finished: FinishedJob) -> JobResult | FlowlockError | None:
        """Return a job's outcome, None if it has to run again since a package that it shares was changed.

        Whether the job changed it or one beside it shows when it runs alone. What a test lacks then, because
        it was spoilt, the engine unpacks for that test only: the test is refused only if it was alone at
        first.
        """
        failed = isinstance(finished.outcome, FlowlockError)
        foreign = self._foreign(running)
        changed = [*self._unpacked.broken(finished.packages, doubt=failed), *foreign]
        if not changed:
            return finished.outcome
        self._unpacked.remove(foreign)
        if running.name in self._accompanied:
            self._reruns.append(running)
            return None
        self._unpacked.mend()
        return _changed_shared(running.job.identity.artifact.name, changed)

    def _foreign(self, finished: _RunningJob) -> list[str]:
        """Return what no engine unpacked, if it is known what the running engines may unpack."""
        expected: set[str] = set()
        for running in (finished, *self._active.values()):
            packages = running.job.channel_set.packages
            if packages is None:
                return []
            expected |= {*packages, running.job.identity.artifact.stem}
        return self._unpacked.foreign(expected)


def _changed_shared(name: str, changed: Sequence[str]) -> FlowlockError:
    return FlowlockError(
        f"{name} modified files that environments share: {shortened(changed, SHOWN)}",
        code="FL535",
        hint="write a new file and rename it in the build script: environments share the files of packages",
    )
