"""The build, put together from a session: as a command, and as a stage of a larger one."""

from collections import Counter
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
from flowlock.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildSettings:
    """How to build; see `flowlock build --help`.

    `check` holds the committed lock of build environments against the recipes, whatever the profile; `relock`
    updates it.
    """

    jobs: int | None = None
    dry_run: bool = False
    verify: bool = False
    output: Path | None = None
    test: bool = False
    check: bool = False
    relock: bool = False


def build_named(session: Session, names: Sequence[str], settings: BuildSettings) -> BuildResult:
    """Build packages into the local channel; a name that is unknown is refused before anything is made."""
    if names:
        keys_of(names, session.workspace, targets(session.workspace))
    with session.exclusive():
        snapshot = read_unedited(session.workspace, names)
        prepare(session, snapshot.targets)
        return build_stage(session, snapshot, settings)


def read_unedited(workspace: Workspace, names: Sequence[str] = ()) -> WorkspaceSnapshot:
    """Read the packages to build; refuse named workflows whose generated files were changed by hand."""
    generated = workspace.generated
    if names:
        generated = tuple(one for one in generated if {one.name, one.distribution} & set(names))
    hand_edits.refuse(workspace, generated)
    return read_snapshot(workspace, names)


def build_stage(session: Session, snapshot: WorkspaceSnapshot, settings: BuildSettings) -> BuildResult:
    """Build as a stage of a larger command, which holds the workspace."""
    with session.progress.stage("build") as stage:
        if settings.check and (problems := locking.check(session, snapshot.targets)):
            raise FlowlockError("the build lock is out of date", problems=problems)
        result = build_packages(
            snapshot,
            environments=_build_channels(session),
            lock=lambda targets: locking.ready(session, targets, relock=settings.relock),
            jobs=settings.jobs,
            dry_run=settings.dry_run,
            verify=settings.verify,
            test=settings.test,
            output=settings.output,
            offline=session.offline,
            progress=session.progress,
        )
        if result.current:
            stage.status = "current"
        else:
            stage.status = "stale" if settings.dry_run else "built"
        stage.detail = _summary(result, dry_run=settings.dry_run)
    return result


def _summary(result: BuildResult, *, dry_run: bool) -> str:
    """Return how many packages were built, taken from the cache or left alone, or would be."""
    counts = Counter(package.status for package in result.packages)
    foreseen = {BuildStatus.BUILT: "to build", BuildStatus.CACHED: "to reuse from the cache"}
    verbs = foreseen if dry_run else {}
    summary = ", ".join(
        f"{counts[status]} {verbs.get(status, status)}" for status in BuildStatus if counts[status]
    )
    if not dry_run:
        summary += " in the channel"
    if result.mended and set(counts) <= {BuildStatus.CURRENT}:
        summary += ", repaired"
    return summary


def _build_channels(session: Session) -> list[str]:
    """Return the channels that build environments come from."""
    if session.profile is Profile.EMBEDDED:
        return [session.mirrors()[BASE_URL].as_uri()]
    return list(session.workspace.other_channels)
