"""`recipes/build.lock`: which packages builds are made with, kept in sync with recipes and [build]."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowlock.builder.environments.declared import BuildRequirements, Needs, wanted
from flowlock.builder.environments.locked import LockedBuildEnvironments, RecordFiles
from flowlock.builder.plan.targets import BuildTarget, targets
from flowlock.commands.session import BASE_URL, Profile, Session
from flowlock.conda import platforms
from flowlock.edges import files
from flowlock.errors import FlowlockError, Problem
from flowlock.lock.checked import CheckedLocks
from flowlock.lock.derived import forget_damaged
from flowlock.lock.lockfile import document
from flowlock.lock.lockfile.document import Lock
from flowlock.lock.manifest.model import Manifest, channel_url
from flowlock.lock.result import STALE, LockOptions, LockResult, LockTarget
from flowlock.lock.solver.sources import ChannelFolder
from flowlock.names import Platform

FILE = "build.lock"
HINT = "run `flowlock lock --build`, and commit the file"


def lock(session: Session, options: LockOptions) -> LockResult:
    """Bring the profile's lock of build environments in sync; `flowlock lock --build`."""
    from flowlock.commands.base import prepare

    with session.exclusive():
        buildable = targets(session.workspace)
        prepare(session, buildable)
        build_lock = _build_lock(session, buildable)
        _forget_damaged(session, build_lock)
        options = replace(options, offline=options.offline or session.offline)
        return build_lock.solve(options, session)


def ready(session: Session, buildable: Mapping[str, BuildTarget], *, relock: bool) -> LockedBuildEnvironments:
    """Return the locked environments of this machine's platform.

    The embedded profile's lock follows its base channel by itself. The committed one is changed with `relock`
    only; else one that is stale, or missing, is an error with the reasons.
    """
    build_lock = _build_lock(session, buildable)
    requested = build_lock.requested
    if not requested.of:
        return LockedBuildEnvironments()
    _settle(session, build_lock, relock=relock or session.profile is Profile.EMBEDDED)
    target, platform = build_lock.target, platforms.current()
    held = document.read(files.read_text(target.path, target.shown), target.shown)
    needed = [name for name, specs in requested.specs.items() if platform in specs]
    return LockedBuildEnvironments(
        of=requested.of,
        records={name: _records(held, name, platform) for name in needed},
        platform=platform,
        source=RecordFiles(
            mirrors=build_lock.mirrors,
            state=session.workspace.state,
            offline=session.offline,
            progress=session.progress,
        ),
    )


def check(session: Session, buildable: Mapping[str, BuildTarget]) -> list[Problem]:
    """Return why the committed lock is stale, whatever the profile; one that was never made is not."""
    committed = replace(session, profile=Profile.CONDA_FORGE)
    build_lock = _build_lock(committed, buildable)
    if not build_lock.target.path.is_file() or not build_lock.manifest.environments:
        return []
    return [
        Problem(code="FL551", message=f"{build_lock.target.shown} is out of date: {reason}", hint=HINT)
        for reason in _reasons(committed, build_lock)
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class _BuildLock:
    """A lock of build environments, what it must contain, and which folders stand for its channels."""

    requested: BuildRequirements
    target: LockTarget
    folders: Sequence[ChannelFolder]
    mirrors: Mapping[str, Path]

    @property
    def manifest(self) -> Manifest:
        return self.target.manifest

    def solve(self, options: LockOptions, session: Session) -> LockResult:
        """Lock or check it; imported here is what the solver needs, which an idle command does without."""
        from flowlock.lock.run import lock

        return lock([self.target], folders=self.folders, own={}, options=options, progress=session.progress)


def _wanted(
    session: Session, buildable: Mapping[str, BuildTarget], subdirs: Sequence[Platform]
) -> BuildRequirements:
    """Return what is asked; of native packages nothing in the embedded profile.

    Its base has one Python: a variant for another one could not be locked, and would keep all from building.
    """
    workspace = session.workspace
    native: Mapping[str, Needs] = {}
    has_native = any(not target.recipe.noarch for target in buildable.values())
    if session.profile is not Profile.EMBEDDED and has_native:
        from flowlock.builder.worker.native import needs

        native = needs(buildable, subdirs, kept=workspace.state.native_needs)
    return wanted(
        {name: target.recipe for name, target in buildable.items()},
        (workspace.build_backend, workspace.build_installer),
        platforms=subdirs,
        native=native,
    )


def _build_lock(session: Session, buildable: Mapping[str, BuildTarget]) -> _BuildLock:
    workspace = session.workspace
    mirrors: dict[str, Path] = {}
    if session.profile is Profile.EMBEDDED:
        path, subdirs, channels = workspace.state.build_lock, [platforms.current()], [BASE_URL]
        mirrors = {BASE_URL: session.mirrors()[BASE_URL]}
    else:
        path, subdirs = workspace.recipes / FILE, list(workspace.build_platforms)
        channels = list(workspace.other_channels)
    requested = _wanted(session, buildable, subdirs)
    shown = workspace.relative(path)
    manifest = requested.manifest(file="the recipes", channels=channels)
    return _BuildLock(
        requested=requested,
        target=LockTarget(manifest=manifest, path=path, shown=shown),
        folders=[ChannelFolder(url=channel_url(url), path=folder) for url, folder in mirrors.items()],
        mirrors=mirrors,
    )


def _settle(session: Session, build_lock: _BuildLock, *, relock: bool) -> None:
    """Make sure that the lock fits what is asked; what was found to fit is not looked at again."""
    checked = CheckedLocks(session.workspace.state.checked_locks, build_lock.folders, own={})
    if checked.are_current([build_lock.target]):
        return
    _forget_damaged(session, build_lock)
    if relock:
        build_lock.solve(LockOptions(offline=session.offline), session)
    else:
        _refuse_stale(session, build_lock)
    checked.keep([build_lock.target])


def _forget_damaged(session: Session, build_lock: _BuildLock) -> None:
    if session.profile is Profile.EMBEDDED:
        forget_damaged(build_lock.target.path, build_lock.target.shown, session.progress)


def _refuse_stale(session: Session, build_lock: _BuildLock) -> None:
    if not build_lock.target.path.is_file():
        hint = f"{HINT}; `--profile embedded` needs neither this file nor a conda channel"
        raise FlowlockError(f"{build_lock.target.shown} does not exist", code="FL551", hint=hint)
    problems = [Problem(code="FL551", message=reason) for reason in _reasons(session, build_lock)]
    if problems:
        raise FlowlockError(
            f"{build_lock.target.shown} is out of date",
            problems=problems,
            hint=HINT,
            kept="the channel, unchanged",
        )


def _reasons(session: Session, build_lock: _BuildLock) -> list[str]:
    checked = build_lock.solve(LockOptions(check=True), session)
    return [str(reason) for lock in checked.locks if lock.status == STALE for reason in lock.reasons]


def _records(held: Lock, environment: str, platform: str) -> Any:
    pins = held.environments[environment].packages.get(platform)
    if pins is None:
        raise FlowlockError(
            f"the build lock does not cover {platform}",
            code="FL553",
            hint="add the platform to [build] platforms of flowlock.toml, and run `flowlock lock --build`",
        )
    return pins
