"""`flowlock sync`: bring packages, channel and locks in sync with specs and sources."""

import time
from dataclasses import replace

from flowlock.commands.last_outcome import LastOutcome, Outcome
from flowlock.commands.recorded_progress import CURRENT, RecordingProgress, StageResult, repeat
from flowlock.commands.session import Session
from flowlock.commands.sync_result import SyncResult


def sync(session: Session, *, check: bool, dry_run: bool, jobs: int | None) -> SyncResult:
    """Bring packages, channel and locks in sync with specs and sources.

    It does so for the workflows that the session is about, and for what they need. With `check` nothing that
    is committed is written: a compiled package or a lock that is not what it should be makes its stage
    `stale`. What lies under `.flowlock` is made as ever, since only built bytes prove a lock. If nothing
    that a sync looks at has changed since one that had nothing to do, no stage runs.
    """
    last = LastOutcome.of(session, "sync", [check])
    started = time.perf_counter()
    outcome = None if dry_run else last.read()
    if outcome is not None:
        return _repeated(session, outcome, seconds=time.perf_counter() - started)
    # Imported here: the stages are most of flowlock, and an idle sync needs none of them.
    from flowlock.commands.sync_stages import run_stages

    started_ns = time.time_ns()
    progress = RecordingProgress(session.progress)
    run_stages(replace(session, progress=progress), check=check, dry_run=dry_run, jobs=jobs)
    result = SyncResult(stages=tuple(progress.stages))
    if progress.idle and not dry_run:
        outcome = Outcome(stages=progress.details, document=result.as_json(), text=result.as_text())
        last.write(outcome, started_ns=started_ns)
    return result


def _repeated(session: Session, outcome: Outcome, *, seconds: float) -> SyncResult:
    """Report the stages of the last sync; the time is what it took to see that nothing changed."""
    repeat(session.progress, "sync", outcome.stages)
    results = []
    for name, detail in outcome.stages.items():
        results.append(StageResult(name=name, status=CURRENT, detail=detail, seconds=round(seconds, 3)))
        seconds = 0.0
    return SyncResult(stages=tuple(results))
