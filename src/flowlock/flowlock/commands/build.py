"""`flowlock build`, put together from a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowlock.builder.plan.result import BuildResult, BuildStatus
from flowlock.builder.plan.snapshot import WorkspaceSnapshot, read_snapshot
from flowlock.builder.plan.targets import keys_of, targets
from flowlock.builder.run import build as build_packages
from flowlock.commands import build_lock as locking
from flowlock.commands import hand_edits
from flowlock.commands.base import prepare
from flowlock.commands.session import BASE_URL, Profile, Session
from flowlock.errors import FlowlockError
from flowlock.workspace import Workflow, Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildSettings:
    """How to build; see `flowlock build --help`.

    `check` holds the committed lock of build environments against the recipes, whatever the profile; `relock`
    brings it in step.
    """

    jobs: int | None = None
    dry_run: bool = False
    verify: bool = False
    output: Path | None = None
    test: bool = False
    check: bool = False
    relock: bool = False


def build(session: Session, names: Sequence[str], settings: BuildSettings) -> BuildResult:
    """Build packages into the local channel; a name that is unknown is refused before anything is made."""
    if names:
        keys_of(names, session.workspace, targets(session.workspace))
    with session.exclusive():
        snapshot = read_unedited(session.workspace, names)
        prepare(session, snapshot.targets)
        return build_stage(session, snapshot, settings)


def read_unedited(workspace: Workspace, names: Sequence[str] = ()) -> WorkspaceSnapshot:
    """Read what is to be built, unless the generated files of a named workflow were changed by hand."""
    hand_edits.refuse(workspace, [one for one in workspace.workflow_list if _is_meant(one, names)])
    return read_snapshot(workspace, names)


def build_stage(session: Session, snapshot: WorkspaceSnapshot, settings: BuildSettings) -> BuildResult:
    """Build as a stage of a larger command, which holds the workspace."""
    with session.progress.stage("build") as stage:
        if settings.check and (problems := locking.check(session, snapshot.targets)):
            raise FlowlockError("the lock of build environments is stale", problems=problems)
        result = build_packages(
            snapshot,
            environments=_build_channels(session),
            lock=lambda known: locking.ready(session, known, relock=settings.relock),
            jobs=settings.jobs,
            dry_run=settings.dry_run,
            verify=settings.verify,
            test=settings.test,
            output=settings.output,
            offline=session.offline,
            progress=session.progress,
        )
        counts = [(status, sum(one.status is status for one in result.packages)) for status in BuildStatus]
        foreseen = {BuildStatus.BUILT: "to build", BuildStatus.CACHED: "to take from the cache"}
        verbs = foreseen if settings.dry_run else {}
        told = ", ".join(f"{count} {verbs.get(status, status)}" for status, count in counts if count)
        stage.status = "current" if result.current else ("stale" if settings.dry_run else "built")
        nothing_new = all(one.status is BuildStatus.CURRENT for one in result.packages)
        stage.detail = (told if settings.dry_run else f"{told} in the channel") + (
            ", mended" if result.mended and nothing_new else ""
        )
    return result


def _is_meant(workflow: Workflow, names: Sequence[str]) -> bool:
    return not names or workflow.name in names or workflow.distribution in names


def _build_channels(session: Session) -> list[str]:
    """Return the channels that build environments come from."""
    if session.profile is Profile.EMBEDDED:
        return [session.mirrors()[BASE_URL].as_uri()]
    return list(session.workspace.other_channels)
