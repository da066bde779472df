"""`recipes/build.lock`: which packages builds are made with, kept in step with recipes and [build]."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowlock.builder.environments.declared import Needs, Wanted, wanted
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
    """Bring the profile's lock of build environments in step; `flowlock lock --build`."""
    from flowlock.commands.base import prepare
    from flowlock.lock.run import lock as solve

    with session.exclusive():
        known = targets(session.workspace)
        prepare(session, known)
        place = _place(session, known)
        _forget_damaged(session, place)
        options = replace(options, offline=options.offline or session.offline)
        return solve(
            [place.target], folders=place.folders, own={}, options=options, progress=session.progress
        )


def ready(session: Session, known: Mapping[str, BuildTarget], *, relock: bool) -> LockedBuildEnvironments:
    """Return the locked environments of this machine's platform.

    The embedded profile's lock follows its base channel by itself. The committed one is changed with `relock`
    only; else one that is stale, or that is not there, is an error with the reasons.
    """
    place = _place(session, known)
    asked = place.asked
    if not asked.of:
        return LockedBuildEnvironments()
    _settle(session, place, relock=relock or session.profile is Profile.EMBEDDED)
    held = document.read(files.read_text(place.target.path, place.target.shown), place.target.shown)
    platform = platforms.current()
    return LockedBuildEnvironments(
        of=asked.of,
        records={
            name: _records(held, name, platform) for name, specs in asked.specs.items() if platform in specs
        },
        platform=platform,
        source=RecordFiles(
            mirrors=place.mirrors,
            state=session.workspace.state,
            offline=session.offline,
            progress=session.progress,
        ),
    )


def check(session: Session, known: Mapping[str, BuildTarget]) -> list[Problem]:
    """Return why the committed lock is stale, whatever the profile; one that was never made is not."""
    committed = replace(session, profile=Profile.CONDA_FORGE)
    place = _place(committed, known)
    if not place.target.path.is_file() or not place.manifest.environments:
        return []
    return [
        Problem(code="FL551", message=f"{place.target.shown} is stale: {reason}", hint=HINT)
        for reason in _reasons(committed, place)
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """A lock of build environments, what is asked of it, and which folders stand for its channels."""

    asked: Wanted
    target: LockTarget
    folders: Sequence[ChannelFolder]
    mirrors: Mapping[str, Path]

    @property
    def manifest(self) -> Manifest:
        return self.target.manifest


def _wanted(session: Session, known: Mapping[str, BuildTarget], subdirs: Sequence[Platform]) -> Wanted:
    """Return what is asked; of native packages nothing in the embedded profile.

    Its base has one Python: a variant for another one could not be locked, and would keep all from building.
    """
    workspace = session.workspace
    native: Mapping[str, Needs] = {}
    if session.profile is not Profile.EMBEDDED and any(not one.recipe.noarch for one in known.values()):
        from flowlock.builder.worker.native import needs

        native = needs(known, subdirs, kept=workspace.state.native_needs)
    return wanted(
        {name: target.recipe for name, target in known.items()},
        (workspace.build_backend, workspace.build_installer),
        platforms=subdirs,
        native=native,
    )


def _place(session: Session, known: Mapping[str, BuildTarget]) -> _Place:
    workspace = session.workspace
    mirrors: dict[str, Path] = {}
    if session.profile is Profile.EMBEDDED:
        path, subdirs, channels = workspace.state.build_lock, [platforms.current()], [BASE_URL]
        mirrors = {BASE_URL: session.mirrors()[BASE_URL]}
    else:
        path, subdirs = workspace.recipes / FILE, list(workspace.build_platforms)
        channels = list(workspace.other_channels)
    asked = _wanted(session, known, subdirs)
    shown = workspace.relative(path)
    manifest = asked.manifest(file="the recipes", channels=channels)
    return _Place(
        asked=asked,
        target=LockTarget(manifest=manifest, path=path, shown=shown),
        folders=[ChannelFolder(url=channel_url(url), path=folder) for url, folder in mirrors.items()],
        mirrors=mirrors,
    )


def _settle(session: Session, place: _Place, *, relock: bool) -> None:
    """Make sure that the lock fits what is asked; what was found to fit is not looked at again."""
    checked = CheckedLocks(session.workspace.state.checked_locks, place.folders, own={})
    if checked.are_current([place.target]):
        return
    _forget_damaged(session, place)
    if relock:
        from flowlock.lock.run import lock as solve

        options = LockOptions(offline=session.offline)
        solve([place.target], folders=place.folders, own={}, options=options, progress=session.progress)
    else:
        _refuse_stale(session, place)
    checked.keep([place.target])


def _forget_damaged(session: Session, place: _Place) -> None:
    if session.profile is Profile.EMBEDDED:
        forget_damaged(place.target.path, place.target.shown, session.progress)


def _refuse_stale(session: Session, place: _Place) -> None:
    if not place.target.path.is_file():
        hint = f"{HINT}; `--profile embedded` needs no such file, and no conda channel"
        raise FlowlockError(f"there is no {place.target.shown}", code="FL551", hint=hint)
    problems = [Problem(code="FL551", message=reason) for reason in _reasons(session, place)]
    if problems:
        raise FlowlockError(
            f"{place.target.shown} is stale", problems=problems, hint=HINT, kept="the channel as it was"
        )


def _reasons(session: Session, place: _Place) -> list[str]:
    from flowlock.lock.run import lock as solve

    options = LockOptions(check=True)
    done = solve([place.target], folders=place.folders, own={}, options=options, progress=session.progress)
    return [str(reason) for one in done.locks if one.status == STALE for reason in one.reasons]


def _records(held: Lock, environment: str, platform: str) -> Any:
    pins = held.environments[environment].packages.get(platform)
    if pins is None:
        raise FlowlockError(
            f"the build's lock has nothing for {platform}",
            code="FL553",
            hint="add the platform to [build] platforms of flowlock.toml, and run `flowlock lock --build`",
        )
    return pins
