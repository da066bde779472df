"""The stages of a sync in order: compile, base, build, lock; each does only what is stale."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from flowlock.builder.plan.snapshot import WorkspaceSnapshot
from flowlock.commands.base import prepare
from flowlock.commands.build import BuildSettings, build_stage, read_unedited
from flowlock.commands.compile import compile_workflows
from flowlock.commands.lock import committed, lock_stage, targets
from flowlock.commands.session import Profile, Session
from flowlock.commands.sync_result import StageResult, SyncResult
from flowlock.commands.tasks import EnvironmentLookup
from flowlock.lock.result import LockOptions
from flowlock.report.reporter import Progress, ProgressStage


@dataclass(slots=True)
class _RecordingProgress:
    """Progress that also keeps how each stage ended."""

    inner: Progress
    stages: list[StageResult] = field(default_factory=list)
    noted: bool = False

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
        self.noted = True
        self.inner.note(text)


def run_stages(session: Session, *, check: bool, dry_run: bool, jobs: int | None) -> SyncResult:
    """Do what `sync` documents, stage by stage."""
    progress = _RecordingProgress(session.progress)
    session = replace(session, progress=progress)
    with session.exclusive():
        _compile(session, check=check or dry_run)
        # What is compiled is built, so the sources are read when that is done.
        snapshot = read_unedited(session.workspace, session.names)
        prepare(session, snapshot.targets)
        settings = BuildSettings(jobs=jobs, dry_run=dry_run, test=False, check=check, relock=not check)
        build_stage(session, snapshot, settings)
        if not dry_run:
            _lock(session, snapshot, check=check)
    return SyncResult(stages=tuple(progress.stages), noted=progress.noted)


def _lock(session: Session, snapshot: WorkspaceSnapshot, *, check: bool) -> None:
    """Lock for the profile, and bring the committed locks up to date: they are for real users.

    In the embedded profile conda-forge need not be reachable, so those are solved from their own records.
    """
    if session.profile is Profile.EMBEDDED:
        lock_stage(session, targets(session), LockOptions(), snapshot=snapshot)
        pins = lock_stage(
            session,
            committed(session),
            LockOptions(check=check, offline=True),
            snapshot=snapshot,
            name="pins",
        )
    else:
        pins = lock_stage(session, targets(session), LockOptions(check=check), snapshot=snapshot)
    if not pins.ok:
        session.progress.note(pins.as_text())


def _compile(session: Session, *, check: bool) -> None:
    with session.progress.stage("compile") as stage:
        result = compile_workflows(
            session.workspace,
            session.names,
            check=check,
            progress=session.progress,
            lookup=EnvironmentLookup(session=session),
        )
        changed = [workflow.name for workflow in result.workflows if workflow.status != "current"]
        stage.status = "current"
        if changed:
            stage.status = "stale" if check else "compiled"
        stage.detail = ", ".join(changed) or f"{len(result.workflows)} workflows"
