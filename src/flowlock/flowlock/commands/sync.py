"""`flowlock sync`: bring packages, channel and locks in sync with specs and sources."""

import time
from collections.abc import Mapping

from flowlock.commands.last_sync import LastSync
from flowlock.commands.session import Session
from flowlock.commands.sync_result import StageResult, SyncResult


def sync(session: Session, *, check: bool, dry_run: bool, jobs: int | None) -> SyncResult:
    """Bring packages, channel and locks in sync with specs and sources.

    It does so for the workflows that the session is about, and for what they need. With `check` nothing that
    is committed is written: a compiled package or a lock that is not what it should be makes its stage
    `stale`. What lies under `.flowlock` is made as ever, since only built bytes prove a lock. If nothing
    that a sync looks at has changed since one that had nothing to do, no stage runs.
    """
    kept = LastSync.of(session, check=check)
    started = time.perf_counter()
    stages = None if dry_run else kept.read()
    if stages is not None:
        return _repeated(session, stages, seconds=time.perf_counter() - started)
    return _run(session, kept, check=check, dry_run=dry_run, jobs=jobs)


def _repeated(session: Session, stages: Mapping[str, str], *, seconds: float) -> SyncResult:
    """Report the stages of the sync that was kept; the time is what it took to see that nothing changed."""
    session.progress.working("no input has changed since the last sync")
    results = []
    for name, detail in stages.items():
        with session.progress.stage(name) as stage:
            stage.status, stage.detail = "current", detail
        results.append(StageResult(name=name, status="current", detail=detail, seconds=round(seconds, 3)))
        seconds = 0.0
    return SyncResult(stages=tuple(results))


def _run(session: Session, kept: LastSync, *, check: bool, dry_run: bool, jobs: int | None) -> SyncResult:
    # Imported here: the stages are most of flowlock, and an idle sync needs none of them.
    from flowlock.commands.sync_stages import run_stages

    started_ns = time.time_ns()
    result = run_stages(session, check=check, dry_run=dry_run, jobs=jobs)
    if result.idle and not dry_run:
        kept.write({stage.name: stage.detail for stage in result.stages}, started_ns=started_ns)
    return result
