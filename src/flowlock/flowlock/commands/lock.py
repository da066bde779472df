"""`flowlock lock` and `export`, put together from a session: what is locked, and what metadata stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from flowlock.commands import hand_edits
from flowlock.commands.session import BASE_URL, Profile, Session
from flowlock.conda import platforms
from flowlock.edges import files
from flowlock.errors import FlowlockError
from flowlock.lock.checked import CheckedLocks
from flowlock.lock.derived import forget_damaged
from flowlock.lock.lockfile import document
from flowlock.lock.lockfile import export as exports
from flowlock.lock.lockfile.forms import ExportKind
from flowlock.lock.manifest import model as manifest
from flowlock.lock.manifest import pixi
from flowlock.lock.result import CURRENT, STALE, UPDATED, LockOptions, LockOutcome, LockResult, LockTarget
from flowlock.lock.solver.sources import ChannelFolder
from flowlock.names import WEBSERVER
from flowlock.workspace import DagsterLocation, GeneratedPackage

if TYPE_CHECKING:
    from flowlock.builder.plan.snapshot import WorkspaceSnapshot
    from flowlock.lock.satisfy import CurrentBuild

MANIFEST, LOCK = "pixi.toml", "pixi.lock"


def lock(
    session: Session, names: Sequence[str], options: LockOptions, *, manifest_path: Path | None = None
) -> LockResult:
    """Bring the locks of workflows (all, if none is named) up to date, or the one beside a manifest.

    With `check` and with `upgrade_format` it is about the committed locks, whatever the profile. Without
    names it is also about the locks of packages; each manifest that is declared without a lock is named.
    """
    with session.exclusive():
        if manifest_path is None and (options.check or options.upgrade_format):
            # The committed locks, whether they are there or not.
            named = [session.workspace.generated_named(name) for name in names]
            wanted = [_committed_target(session, one) for one in named or _locked(session)]
            wanted += [] if names else package_targets(session)
        else:
            wanted = targets(session, names, manifest_path)
        for target in wanted:
            if target.manifest.unlocked is not None:
                session.progress.note(f"{target.manifest.file} is not locked: {target.manifest.unlocked}")
        return lock_stage(session, wanted, options, snapshot=_snapshot(session, wanted))


def targets(
    session: Session, names: Sequence[str] = (), manifest_path: Path | None = None
) -> list[LockTarget]:
    """Return the manifest to lock."""
    if manifest_path is not None:
        folder = manifest_path.resolve().parent
        return [_manifest_target(session, manifest_path, folder / LOCK, label=folder.name)]
    workspace = session.workspace
    wanted = [workspace.generated_named(name) for name in names]
    if not wanted and session.profile is Profile.EMBEDDED:
        # The profile's own locks only say what its environments are made of: nobody reviews them.
        wanted = session.installable
    locks = [_target(session, generated) for generated in wanted or _locked(session)]
    if not names and session.profile is not Profile.EMBEDDED:
        locks += package_targets(session)
    return locks


def package_targets(session: Session) -> list[LockTarget]:
    """Return the manifests of packages, unless the session is about workflows."""
    if session.names:
        return []
    workspace = session.workspace
    folders = [package.folder for package in workspace.packages if (package.folder / MANIFEST).is_file()]
    return [
        _manifest_target(session, folder / MANIFEST, folder / LOCK, label=workspace.relative(folder))
        for folder in folders
    ]


def _committed_target(session: Session, generated: GeneratedPackage) -> LockTarget:
    return _manifest_target(
        session, generated.package / MANIFEST, generated.package / LOCK, label=generated.name
    )


def _locked(session: Session) -> list[GeneratedPackage]:
    """Return the packages that are to have a committed lock; those declared without one are named."""
    workspace = session.workspace
    wanted = []
    for generated in session.generated:
        reason = workspace.unlocked_reason(generated)
        if reason is None:
            wanted.append(generated)
        else:
            session.progress.note(f"{generated.name} is not locked: {reason}")
    return wanted


def lock_stage(
    session: Session,
    wanted: Sequence[LockTarget],
    options: LockOptions,
    *,
    snapshot: "WorkspaceSnapshot | None",
    name: str = "lock",
) -> LockResult:
    """Lock as a stage of a larger command, which holds the workspace.

    Without a snapshot no package of a lock is taken for one of the workspace.
    """
    with session.progress.stage(name) as stage:
        result = _lock(session, wanted, options, snapshot)
        moved = [lock.path for lock in result.locks if lock.status != CURRENT]
        if not moved:
            stage.status = CURRENT
        elif result.ok:
            stage.status = UPDATED
        else:
            stage.status = STALE
        stage.detail = f"{len(moved) or len(result.locks)} locks"
    return result


def check(session: Session, names: Sequence[str], options: LockOptions) -> LockResult:
    """Return whether the profile's locks of workflows are current, and nothing else."""
    wanted = targets(session, names)
    return _lock(session, wanted, replace(options, check=True), _snapshot(session, wanted, names))


def _snapshot(
    session: Session, wanted: Sequence[LockTarget], names: Sequence[str] = ()
) -> "WorkspaceSnapshot | None":
    """Return the state of the sources, or None if no manifest names the channel of the workspace.

    Of named workflows, it is that of the packages that they need.
    """
    served = manifest.channel_url(session.workspace.release_channel)
    environments = [environment for target in wanted for environment in target.manifest.environments]
    channels = {
        manifest.channel_url(channel) for environment in environments for channel in environment.channels
    }
    if served not in channels:
        return None
    # Imported here: a manifest that takes nothing from the workspace needs neither its recipes nor git.
    from flowlock.builder.plan.snapshot import read_snapshot

    return read_snapshot(session.workspace, names)


def _lock(
    session: Session,
    requested: Sequence[LockTarget],
    options: LockOptions,
    snapshot: "WorkspaceSnapshot | None",
) -> LockResult:
    wanted = [target for target in requested if target.manifest.unlocked is None]
    _refuse_edited(session, wanted)
    folders = [
        ChannelFolder(url=manifest.channel_url(url), path=path) for url, path in session.mirrors().items()
    ]
    own = _current_builds(session, snapshot)
    checked = CheckedLocks(session.workspace.state.checked_locks, folders, own)
    if _are_known(checked, wanted, options):
        return LockResult(locks=tuple(LockOutcome(path=target.shown, status=CURRENT) for target in wanted))
    # Imported here: the solver and what it needs take longer to import than an idle sync takes.
    from flowlock.lock.run import lock as lock_targets

    _forget_damaged(session, wanted)
    with session.temporaries():
        result = lock_targets(
            wanted,
            folders=folders,
            own=_explained(session, own, snapshot, wanted),
            options=replace(
                options,
                offline=options.offline or session.offline,
                cache=session.workspace.state.repodata,
            ),
            progress=session.progress,
        )
    if result.ok and options.only_compares:
        checked.keep(wanted)
    return result


def _are_known(checked: CheckedLocks, wanted: Sequence[LockTarget], options: LockOptions) -> bool:
    """Return whether locks were found current, and are with these options."""
    manifests = [target.manifest for target in wanted]
    return options.only_compares_parts(manifests) and checked.are_current(wanted)


def _current_builds(session: Session, snapshot: "WorkspaceSnapshot | None") -> "dict[str, CurrentBuild]":
    if snapshot is None:
        return {}
    from flowlock.commands.current_builds import current_builds

    return current_builds(session, snapshot)


def _explained(
    session: Session,
    builds: "Mapping[str, CurrentBuild]",
    snapshot: "WorkspaceSnapshot | None",
    wanted: Sequence[LockTarget],
) -> "Mapping[str, CurrentBuild]":
    if snapshot is None:
        return builds
    from flowlock.commands.current_builds import explained

    return explained(session, builds, snapshot, wanted)


def _forget_damaged(session: Session, wanted: Sequence[LockTarget]) -> None:
    """Remove locks of the embedded profile that cannot be read: they are derived, nobody reviewed them."""
    for target in wanted:
        if target.path.is_relative_to(session.workspace.state.locks):
            forget_damaged(target.path, target.shown, session.progress)


def _refuse_edited(session: Session, wanted: Sequence[LockTarget]) -> None:
    """Refuse to lock packages whose generated files were changed by hand."""
    labels = {target.manifest.label for target in wanted}
    generated = [one for one in session.workspace.generated if one.name in labels]
    hand_edits.refuse(session.workspace, generated)


def committed(session: Session) -> list[LockTarget]:
    """Return the committed locks that exist: those the command is about, and those of packages."""
    workspace = session.workspace
    generated = [
        _committed_target(session, one)
        for one in session.generated
        if workspace.unlocked_reason(one) is None and (one.package / LOCK).is_file()
    ]
    return generated + [target for target in package_targets(session) if target.path.is_file()]


def committed_is_current(session: Session, workflow: GeneratedPackage, snapshot: "WorkspaceSnapshot") -> bool:
    """Return whether a workflow's committed lock is what its manifest and the sources ask for."""
    target = _committed_target(session, workflow)
    return _lock(session, [target], LockOptions(check=True), snapshot).ok


def export(
    session: Session,
    name: str,
    kind: ExportKind,
    *,
    environment: str,
    platform: str | None,
    mirrors: Mapping[str, str],
) -> exports.ExportResult:
    """Return a workflow's lock in another tool's form, for this platform unless another is named.

    `mirrors` are the addresses that serve channels of the lock elsewhere.
    """
    generated = session.workspace.generated_named(name)
    path = session.lock_file(generated)
    shown = session.workspace.relative(path)
    if session.profile is Profile.EMBEDDED:
        session.progress.note(
            "the lock of the embedded profile pins packages that only this machine has: nobody else can "
            "install them; `--profile conda-forge` exports the committed lock"
        )
    return exports.export(
        kind,
        document.read(files.read_text(path, shown), shown),
        environment=environment,
        platform=platform or platforms.current(),
        name=generated.name,
        mirrors=mirrors,
    )


def export_mirror(session: Session, served: str) -> exports.ExportResult:
    """Return the setting with which pixi takes unreleased packages from a served local channel."""
    return exports.pixi_mirror(session.workspace.release_channel, served)


def _target(session: Session, generated: GeneratedPackage) -> LockTarget:
    """Return what a lock is solved from: the pixi.toml, or in the embedded profile the package.

    The environment of a location is then the one to develop in, too.
    """
    path = session.lock_file(generated)
    if session.profile is not Profile.EMBEDDED:
        return _manifest_target(session, generated.package / MANIFEST, path, label=generated.name)
    shown = session.workspace.relative(path)
    specs = [f"{generated.distribution} =={session.workspace.version}"]
    if isinstance(generated, DagsterLocation):
        specs.append(WEBSERVER)
    wanted = manifest.simple(
        generated.name,
        channels=(session.workspace.release_channel, BASE_URL),
        platforms=[platforms.current()],
        specs=specs,
    )
    return LockTarget(manifest=wanted, path=path, shown=shown)


def _manifest_target(session: Session, source: Path, path: Path, *, label: str) -> LockTarget:
    shown = session.workspace.relative(source)
    if not source.is_file():
        raise FlowlockError(
            f"{shown} does not exist",
            code="FL632",
            hint="`flowlock compile` writes the manifest of a workflow",
        )
    wanted = pixi.read(files.read_text(source, shown), shown, label=label)
    return LockTarget(manifest=wanted, path=path, shown=session.workspace.relative(path))
