"""The runs of a service: accepted, cancelled, resumed, removed, and recovered after a crash."""

import logging
import os
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

from flowlock_core.command.bundle import Bundle
from flowlock_core.command.results_folder import locked
from flowlock_core.errors import WorkflowError
from flowlock_core.execute.plan import Plan
from flowlock_core.runs.event_lines import now_text
from flowlock_serve.runs.database import RequestKey, RunDatabase, RunFilter
from flowlock_serve.runs.endings import EndReason, end_of
from flowlock_serve.runs.process_orders import process_order
from flowlock_serve.runs.record import (
    ACTIVE,
    RESUMABLE,
    FinishedRun,
    RunEnd,
    RunOrder,
    RunRecord,
    ServedState,
)
from flowlock_serve.runs.refusals import ConflictError, KeyReusedError, QueueFullError, UnknownRunError
from flowlock_serve.runs.results_upload import FOLDER
from flowlock_serve.runs.retention import expired
from flowlock_serve.runs.run_files import RunFiles
from flowlock_serve.runs.run_results import RunResults
from flowlock_serve.runs.supervisor import Supervisor
from flowlock_serve.settings import RunSettings

DATABASE = "runs.sqlite"
_LOG = logging.getLogger("flowlock_serve")
# Seconds that the processes of a service that was killed have to end: the kernel ends them at once.
_RECOVERY_SECONDS = 10.0
_RETENTION_SECONDS = 60.0


class ServedRuns:
    """The runs below a folder, which belongs to this service alone."""

    def __init__(self, bundle: Bundle, plan: Plan, settings: RunSettings) -> None:
        self.settings = settings
        self._bundle = bundle
        self._folder = settings.folder / FOLDER
        self._accepting = threading.Lock()
        self._stopping = threading.Event()
        self._tidy = threading.Event()
        self._lock = locked(self._folder, _in_use(settings.folder))
        self.results = RunResults(self.files_of, settings.target)
        self.results.require_writable()
        self._database = RunDatabase(self._folder / DATABASE)
        self._supervisor = Supervisor(
            f"{bundle.module}:{bundle.function}",
            self._database,
            self.files_of,
            lambda record: process_order(bundle, plan, settings, record, self.files_of(record.id)),
            workers=settings.workers,
            time_limit=settings.time_limit,
            ended=self._tidy.set,
        )
        self._tidying = threading.Thread(target=self._keep_tidy, name="retention", daemon=True)

    @property
    def stopping(self) -> bool:
        """Whether the service is being stopped."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Recover what a service that was killed has left, and begin to start runs."""
        for record in self._database.in_states(ACTIVE):
            self._recover(record)
        self._supervisor.start()
        self._tidying.start()

    def refuse(self) -> None:
        """Accept no more runs: the service is being stopped."""
        self._stopping.set()

    def stop(self) -> None:
        """End the runs that have a process; those in the queue stay there."""
        self.refuse()
        self._tidy.set()
        self._supervisor.stop()
        if self._tidying.is_alive():
            self._tidying.join()
        self._database.close()
        if self._lock is not None:
            os.close(self._lock)

    def files_of(self, run: str) -> RunFiles:
        """Return the files of a run."""
        return RunFiles(folder=self._folder / run)

    def require_usable(self) -> None:
        """Raise a sqlite3.Error if the records cannot be read."""
        self._database.require_usable()

    def get(self, run: str) -> RunRecord:
        """Return a run; an UnknownRunError if it does not exist."""
        record = self._database.get(run)
        if record is None:
            raise UnknownRunError(run)
        return record

    def page(self, chosen: RunFilter) -> list[RunRecord]:
        """Return runs, the newest first."""
        return self._database.page(chosen)

    def counts(self) -> dict[ServedState, int]:
        """Return how many runs are in each state."""
        return self._database.counts()

    def submit(self, order: RunOrder, key: RequestKey | None = None) -> RunRecord:
        """Accept a run; a request with a known key gets the run of the first one.

        A QueueFullError if too many runs wait, a KeyReusedError if the key was sent with another request.
        """
        with self._accepting:
            if key is not None:
                earlier = self._database.by_key(key.key)
                if earlier is not None:
                    record, digest = earlier
                    if digest != key.digest:
                        raise KeyReusedError(key.key)
                    return record
            record = self._queue(order, key)
        self._supervisor.wake()
        return record

    def cancel(self, run: str) -> RunRecord:
        """Let a run end; a ConflictError if it has ended."""
        record = self.get(run)
        if record.state.is_final:
            raise ConflictError(f"the run {run} has ended: it is {record.state.value}")
        end = RunEnd(state=ServedState.CANCELLED, ended=now_text())
        if not self._database.end(run, end, only_from=[ServedState.QUEUED]):
            self._supervisor.end(run, EndReason.CANCELLED)
        return self.get(run)

    def resume(self, run: str) -> RunRecord:
        """Accept a run that continues one that has not succeeded; return the one that does so already."""
        with self._accepting:
            record = self.get(run)
            if record.resumed_by is not None and self._database.get(record.resumed_by) is not None:
                return self.get(record.resumed_by)
            if record.state not in RESUMABLE:
                raise ConflictError(f"the run {run} cannot be resumed: it is {record.state.value}")
            added = self._queue(replace(record.order, resumed_from=run))
        self._supervisor.wake()
        return added

    def remove(self, run: str) -> None:
        """Remove a run that has ended, with its files; a ConflictError if it has not."""
        record = self.get(run)
        if not record.state.is_final:
            raise ConflictError(
                f"the run {run} cannot be removed: it is {record.state.value}; cancel it first"
            )
        self.results.remove(run)
        self._database.remove(run)

    def steps_ended(self, record: RunRecord) -> int:
        """Return how many steps of a run have ended."""
        return self.files_of(record.id).steps_ended() if record.state in ACTIVE else record.steps_ended

    def _queue(self, order: RunOrder, key: RequestKey | None = None) -> RunRecord:
        """Add a run to the queue; the caller holds the lock, so that the queue does not grow meanwhile."""
        if self._database.queued() >= self.settings.queue:
            raise QueueFullError(self.settings.queue)
        return self._database.add(order, key)

    def _recover(self, record: RunRecord) -> None:
        """Record the end of a run whose service was killed, after its process has ended."""
        files = self.files_of(record.id)
        deadline = monotonic() + _RECOVERY_SECONDS
        while files.may_be_in_use():
            if monotonic() > deadline:
                raise WorkflowError(
                    f"a process of the run {record.id} is still alive, although its service has ended",
                    code="FL780",
                    hint=f"end it, and start the service again: it has locked {files.folder}",
                )
            sleep(0.02)
        reason = EndReason.CANCELLED if record.state is ServedState.CANCELLING else None
        self._database.end(record.id, end_of(files, reason, None, now_text()))

    def _keep_tidy(self) -> None:
        """Remove expired runs after each end of a run, and at intervals."""
        while not self._stopping.is_set():
            self._tidy.wait(_RETENTION_SECONDS)
            self._tidy.clear()
            # A database that cannot be read now is read again; `/ready` reports it.
            with suppress(sqlite3.Error):
                self._remove_expired(self._database.finished())

    def _remove_expired(self, finished: Sequence[FinishedRun]) -> None:
        for run in expired(finished, self.settings.retention):
            if self._stopping.is_set():
                return
            try:
                self.remove(run)
            except UnknownRunError:
                # A request has removed it.
                continue
            except WorkflowError as error:
                # It is tried again; the others are removed all the same.
                _LOG.warning("the expired run %s was not removed: %s", run, error.message)


def _in_use(state: Path) -> WorkflowError:
    hint = "stop it, or choose another folder with --results; with a URL, with --state"
    return WorkflowError(f"another service uses {state}", code="FL780", hint=hint)
