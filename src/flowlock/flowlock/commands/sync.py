"""`flowlock sync`: bring packages, channel and locks in step with specs and sources."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from flowlock.builder.plan.snapshot import WorkspaceSnapshot
from flowlock.commands.base import prepare
from flowlock.commands.build import BuildSettings, build_stage, read_unedited
from flowlock.commands.compile import compile_workflows
from flowlock.commands.lock import committed, lock_stage, targets
from flowlock.commands.session import Profile, Session
from flowlock.commands.tasks import InEnvironments
from flowlock.lock.result import LockOptions
from flowlock.report.reporter import Progress, ProgressStage


@dataclass(frozen=True, kw_only=True, slots=True)
class StageResult:
    """One stage's outcome: `current`, or what was done; seconds are wall clock."""

    name: str
    status: str
    detail: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncResult:
    """What each stage did; with --check or --dry-run, what it would do."""

    stages: tuple[StageResult, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is out of date that stays so."""
        return all(stage.status != "stale" for stage in self.stages)

    def as_json(self) -> Mapping[str, Any]:
        """Return {"ok", "stages": [{name, status, detail, seconds}]}."""
        return {"ok": self.ok, "stages": [asdict(stage) for stage in self.stages]}

    def as_text(self) -> str:
        """Return nothing if all is well: progress said it; else which stages are stale, and the way out."""
        stale = [stage.name for stage in self.stages if stage.status == "stale"]
        return f"out of date: {', '.join(stale)}; run `flowlock sync` and commit" if stale else ""


@dataclass(slots=True)
class _Recorded:
    """Progress that also keeps how each stage ended."""

    inner: Progress
    stages: list[StageResult] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[ProgressStage]:
        started = time.perf_counter()
        with self.inner.stage(name) as stage:
            yield stage
        seconds = round(time.perf_counter() - started, 3)
        self.stages.append(StageResult(name=name, status=stage.status, detail=stage.detail, seconds=seconds))

    def working(self, text: str) -> None:
        self.inner.working(text)

    def note(self, text: str) -> None:
        self.inner.note(text)


def sync(session: Session, *, check: bool, dry_run: bool, jobs: int | None) -> SyncResult:
    """Bring packages, channel and locks in step with specs and sources.

    It does so for the workflows that the session is about, and for what they need. With `check` nothing that
    is committed is written: a compiled package or a lock that is not what it should be makes its stage
    `stale`. What lies under `.flowlock` is made as ever, since only built bytes prove a lock. If nothing
    that a sync looks at has changed since one that had nothing to do, no stage runs.
    """
    kept = KeptSync.of(session, check=check)
    started = time.perf_counter()
    stages = None if dry_run else kept.read()
    if stages is not None:
        return _repeated(session, stages, seconds=time.perf_counter() - started)
    return _run(session, kept, check=check, dry_run=dry_run, jobs=jobs)


def _repeated(session: Session, stages: Mapping[str, str], *, seconds: float) -> SyncResult:
    """Report the stages of the sync that was kept; the time is what it took to see that nothing changed."""
    session.progress.working("nothing that a sync looks at has changed since the last one")
    results = []
    for name, detail in stages.items():
        with session.progress.stage(name) as stage:
            stage.status, stage.detail = "current", detail
        results.append(StageResult(name=name, status="current", detail=detail, seconds=round(seconds, 3)))
        seconds = 0.0
    return SyncResult(stages=tuple(results))


def _compile(session: Session, *, check: bool) -> None:
    with session.progress.stage("compile") as stage:
        result = compile_workflows(
            session.workspace,
            session.names,
            check=check,
            progress=session.progress,
            elsewhere=InEnvironments(session=session),
        )
        changed = [workflow.name for workflow in result.workflows if workflow.status != "current"]
        stage.status = "current"
        if changed:
            stage.status = "stale" if check else "compiled"
        stage.detail = ", ".join(changed) or f"{len(result.workflows)} workflows"
