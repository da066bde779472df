"""The whole graph in order: compile, base, build, lock; each stage does only what is stale."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
        names = ("name", "status", "detail", "seconds")
        stages = [{name: getattr(stage, name) for name in names} for stage in self.stages]
        return {"ok": self.ok, "stages": stages}

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
    `stale`. What lies under `.flowlock` is made as ever, since only built bytes prove a lock.
    """
    progress = _Recorded(session.progress)
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
    return SyncResult(stages=tuple(progress.stages))


def _lock(session: Session, snapshot: WorkspaceSnapshot, *, check: bool) -> None:
    """Lock for the profile, and bring the committed locks in step: they are for real users.

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
            elsewhere=InEnvironments(session=session),
        )
        changed = [one.name for one in result.workflows if one.status != "current"]
        stage.status = ("stale" if check else "compiled") if changed else "current"
        stage.detail = ", ".join(changed) or f"{len(result.workflows)} workflows"
