"""The stages of a sync in order: compile, base, build, lock; each does only what is stale."""

from flowlock.builder.plan.snapshot import WorkspaceSnapshot
from flowlock.commands.base import prepare
from flowlock.commands.build_stage import BuildSettings, build_stage, read_unedited
from flowlock.commands.compile import compile_workflows
from flowlock.commands.lock import committed, lock_stage, targets
from flowlock.commands.session import Profile, Session
from flowlock.commands.tasks import EnvironmentLookup
from flowlock.lock.result import LockOptions


def run_stages(session: Session, *, check: bool, dry_run: bool, jobs: int | None) -> None:
    """Do what `sync` documents, stage by stage."""
    with session.exclusive():
        _compile(session, check=check or dry_run)
        # What is compiled is built, so the sources are read when that is done.
        snapshot = read_unedited(session.workspace, session.names)
        prepare(session, snapshot.targets)
        settings = BuildSettings(jobs=jobs, dry_run=dry_run, test=False, check=check, relock=not check)
        build_stage(session, snapshot, settings)
        if not dry_run:
            _lock(session, snapshot, check=check)


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
