"""Starts the runs that wait, ends those that must end, and records how each ended."""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from flowlock_core.errors import WorkflowError
from flowlock_core.runs.event_lines import now_text
from flowlock_serve.runs.database import RunDatabase
from flowlock_serve.runs.endings import EndReason, end_of
from flowlock_serve.runs.launcher_process import LauncherProcess
from flowlock_serve.runs.record import ACTIVE, RunEnd, RunRecord, ServedState
from flowlock_serve.runs.run_files import RunFiles
from flowlock_serve.runs.run_process import ProcessOrder

# Seconds that an interrupted run has to end itself.
GRACE = 3.0
# Seconds between two looks at deadlines.
_TICK = 0.2
_IDLE = 2.0
_MOST_LOSSES = 3


@dataclass(kw_only=True, slots=True)
class _ActiveRun:
    """A run with a process; `pipe` ends it when it is closed, `kill_at` is when it must have ended itself."""

    record: RunRecord
    pipe: int
    launcher: LauncherProcess
    started: bool = False
    reason: EndReason | None = None
    deadline: float | None = None
    kill_at: float | None = None


class Supervisor:
    """Keeps as many runs going as there are workers; the oldest in the queue is next."""

    def __init__(
        self,
        workflow: str,
        database: RunDatabase,
        files_of: Callable[[str], RunFiles],
        order_of: Callable[[RunRecord], ProcessOrder],
        *,
        workers: int,
        time_limit: float | None,
        ended: Callable[[], None],
    ) -> None:
        self._workflow = workflow
        self._database = database
        self._files_of = files_of
        self._order_of = order_of
        self._workers = workers
        self._time_limit = time_limit
        self._ended = ended
        self._active: dict[str, _ActiveRun] = {}
        self._changed = threading.Condition()
        self._stopping = False
        # Launchers that have gone since the last run was started.
        self._losses = 0
        self._launcher: LauncherProcess | None = None
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin to start runs."""
        self._launcher = LauncherProcess(self._workflow, self._reported)
        self._thread.start()

    def wake(self) -> None:
        """Look for a run that waits."""
        with self._changed:
            self._changed.notify_all()

    def end(self, run: str, reason: EndReason) -> None:
        """Let a run end; nothing happens if it has no process."""
        with self._changed:
            active = self._active.get(run)
            if active is not None:
                self._interrupt(active, reason)

    def stop(self) -> None:
        """End all runs, and then the launcher; what waits in the queue stays there."""
        with self._changed:
            self._stopping = True
            for active in self._active.values():
                self._interrupt(active, EndReason.STOPPED)
            self._changed.notify_all()
            # Twice the grace: a process that cannot be ended must not hold up the service.
            self._changed.wait_for(lambda: not self._active, 2 * GRACE)
        self._thread.join()
        if self._launcher is not None:
            self._launcher.close()

    def _supervise(self) -> None:
        with self._changed:
            while not (self._stopping and not self._active):
                # A disk that is full now has space later, perhaps; `/ready` reports it.
                with suppress(sqlite3.Error):
                    self._start_waiting()
                    self._enforce_deadlines()
                self._changed.wait(_TICK if self._active else _IDLE)

    def _start_waiting(self) -> None:
        while not self._stopping and len(self._active) < self._workers:
            record = self._database.claim()
            if record is None:
                return
            try:
                self._launch(record)
            except WorkflowError as error:
                problems = [problem.as_json() for problem in error.problems]
                end = RunEnd(state=ServedState.FAILED, ended=now_text(), problems=problems)
                self._database.end(record.id, end)

    def _launch(self, record: RunRecord) -> None:
        self._files_of(record.id).create(record)
        launcher = self._launcher
        if launcher is None:
            launcher = self._launcher = LauncherProcess(self._workflow, self._reported)
        pipe = launcher.start(self._order_of(record))
        limit = None if self._time_limit is None else monotonic() + self._time_limit
        self._active[record.id] = _ActiveRun(record=record, pipe=pipe, launcher=launcher, deadline=limit)

    def _interrupt(self, active: _ActiveRun, reason: EndReason) -> None:
        if active.reason is not None:
            return
        active.reason = reason
        active.kill_at = monotonic() + GRACE
        self._database.move(active.record.id, ServedState.CANCELLING, only_from=ACTIVE)
        # One that is being started is interrupted when that is reported.
        if active.started:
            active.launcher.interrupt(active.record.id)

    def _enforce_deadlines(self) -> None:
        now = monotonic()
        for active in self._active.values():
            if active.deadline is not None and now > active.deadline:
                self._interrupt(active, EndReason.TIME_LIMIT)
            if active.kill_at is not None and now > active.kill_at:
                active.launcher.kill(active.record.id)

    def _reported(self, launcher: LauncherProcess, message: dict[str, Any] | None) -> None:
        """Handle what a launcher reports."""
        with self._changed:
            if message is None:
                self._lost(launcher)
            elif "started" in message:
                self._has_started(message["started"])
            else:
                self._has_ended(message["ended"], message["status"])
            self._changed.notify_all()

    def _has_started(self, run: str) -> None:
        active = self._active.get(run)
        if active is None:
            return
        active.started = True
        self._losses = 0
        if active.reason is None:
            self._database.move(run, ServedState.RUNNING, only_from=[ServedState.STARTING])
        else:
            active.launcher.interrupt(run)

    def _has_ended(self, run: str, status: int) -> None:
        active = self._active.pop(run, None)
        if active is not None:
            os.close(active.pipe)
            self._database.end(run, end_of(self._files_of(run), active.reason, status, now_text()))
            self._ended()

    def _lost(self, launcher: LauncherProcess) -> None:
        """End the runs of a launcher that has gone: without it nobody would know how they end.

        Those that it has not started wait again, unless launchers keep failing.
        """
        if self._launcher is launcher:
            self._launcher = None
            self._losses += 1
        for run, active in list(self._active.items()):
            if active.launcher is not launcher:
                continue
            if active.started or active.reason is not None or self._losses >= _MOST_LOSSES:
                self._has_ended(run, -signal.SIGKILL)
            else:
                os.close(active.pipe)
                del self._active[run]
                self._database.move(run, ServedState.QUEUED, only_from=[ServedState.STARTING])
