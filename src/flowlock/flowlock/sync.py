"""The whole graph in order: compile, base, build, lock; each stage does only what is stale."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from flowlock import base as embedded
from flowlock import build as builds
from flowlock import compile as compiler
from flowlock import platforms
from flowlock.build.plan import closure, needs
from flowlock.build.targets import Target, targets
from flowlock.lock import manifest, pixi
from flowlock.lock import run as locks
from flowlock.lock.satisfy import Identity
from flowlock.lock.sources import ChannelFolder
from flowlock.report import Progress, Stage
from flowlock.session import BASE_URL, Profile, Session

if TYPE_CHECKING:
    from flowlock.workspace import Workflow


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
    def stage(self, name: str) -> Iterator[Stage]:
        started = time.perf_counter()
        with self.inner.stage(name) as stage:
            yield stage
        seconds = round(time.perf_counter() - started, 3)
        self.stages.append(StageResult(name=name, status=stage.status, detail=stage.detail, seconds=seconds))

    def working(self, text: str) -> None:
        self.inner.working(text)

    def note(self, text: str) -> None:
        self.inner.note(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildSettings:
    """How to build; see `flowlock build --help`."""

    jobs: int | None = None
    dry_run: bool = False
    verify: bool = False
    output: Path | None = None


def sync(session: Session, *, check: bool, dry_run: bool, jobs: int | None) -> SyncResult:
    """Bring packages, channel and locks in step with specs and sources.

    With `check` nothing that is committed is written: a compiled package or a lock that is not what it
    should be makes its stage `stale`. What lies under `.flowlock` is made as ever, since only built bytes
    prove a lock.
    """
    progress = _Recorded(session.progress)
    session = replace(session, progress=progress)
    with session.exclusive():
        _compile(session, check=check or dry_run)
        _prepare(session)
        _build(session, (), BuildSettings(jobs=jobs, dry_run=dry_run))
        if not dry_run:
            _lock(session, session.workspace.workflow_list, locks.Options(check=check))
    return SyncResult(stages=tuple(progress.stages))


def base(session: Session) -> embedded.BaseResult:
    """Make the embedded base channel hold what the workspace's builds and workflows need."""
    with session.exclusive():
        return _base(session)


def build(session: Session, names: Sequence[str], settings: BuildSettings) -> builds.BuildResult:
    """Build packages into the local channel."""
    with session.exclusive():
        _prepare(session)
        return _build(session, names, settings)


def lock(session: Session, names: Sequence[str], options: locks.Options) -> locks.LockResult:
    """Bring locks of workflows in step with the local channel."""
    workflows = [session.workspace.workflow(name) for name in names] or session.workspace.workflow_list
    with session.exclusive():
        return _lock(session, workflows, options)


def _compile(session: Session, *, check: bool) -> compiler.CompileResult:
    with session.progress.stage("compile") as stage:
        result = compiler.compile_workflows(session.workspace, (), check=check, progress=session.progress)
        changed = [one.name for one in result.workflows if one.status != "current"]
        stage.status = ("stale" if check else "compiled") if changed else "current"
        stage.detail = ", ".join(changed) or f"{len(result.workflows)} workflows"
    return result


def _prepare(session: Session) -> None:
    """Make sure that the profile's environments can be had."""
    if session.profile is Profile.EMBEDDED:
        _base(session)


def _base(session: Session) -> embedded.BaseResult:
    return embedded.make(
        session.workspace,
        _base_requirements(session),
        offline=session.offline,
        progress=session.progress,
    )


def _base_requirements(session: Session) -> list[str]:
    """Return what has to be in the base channel, as PEP 508: build tools, and what workflows need to run."""
    known = targets(session.workspace)
    workflows = [str(workflow.distribution) for workflow in session.workspace.workflow_list]
    graph = {name: needs(target.recipe, known) for name, target in known.items()}
    running = closure([name for name in workflows if name in known], graph)
    specs = {session.workspace.build_backend, session.workspace.build_installer}
    specs |= {spec for name in running for spec in _foreign(known[name], known)}
    wheel_name = embedded.wheel_name_table(session.workspace.wheel_names)
    found = (embedded.requirement_from_match_spec(spec, wheel_name) for spec in sorted(specs))
    requirements = [requirement for requirement in found if requirement is not None]
    names = {canonicalize_name(wheel_name(manifest.name_of(spec))) for spec in specs}
    installed = embedded.installed_wheels(names, session.workspace.state / "cache" / "installed")
    return [*requirements, *(f"{name} @ {path.as_uri()}" for name, path in sorted(installed.items()))]


def _foreign(target: Target, known: Mapping[str, Target]) -> list[str]:
    return [spec for spec in target.recipe.requirements("run") if manifest.name_of(spec) not in known]


def _build(session: Session, names: Sequence[str], settings: BuildSettings) -> builds.BuildResult:
    with session.progress.stage("build") as stage:
        result = builds.build(
            session.workspace,
            names,
            environments=_build_channels(session),
            jobs=settings.jobs,
            dry_run=settings.dry_run,
            verify=settings.verify,
            output=settings.output,
            progress=session.progress,
        )
        counts = [(status, sum(one.status is status for one in result.packages)) for status in builds.Status]
        told = ", ".join(f"{count} {status}" for status, count in counts if count)
        stage.status = "current" if result.current else ("stale" if settings.dry_run else "built")
        nothing_new = all(one.status is builds.Status.CURRENT for one in result.packages)
        stage.detail = told + (", channel mended" if result.mended and nothing_new else "")
    return result


def _build_channels(session: Session) -> list[str]:
    """Return the channels that build environments come from."""
    if session.profile is Profile.EMBEDDED:
        return [embedded.folder(session.workspace).as_uri()]
    return list(session.workspace.other_channels)


def _lock(session: Session, workflows: Sequence["Workflow"], options: locks.Options) -> locks.LockResult:
    with session.progress.stage("lock") as stage:
        result = locks.lock(
            [_lock_target(session, workflow) for workflow in workflows],
            folders=[
                ChannelFolder(url=manifest.channel_url(url), path=path)
                for url, path in session.mirrors().items()
            ],
            own={
                name: Identity(version=identity.version, build=identity.build)
                for name, identity in builds.identities(session.workspace).items()
            },
            options=replace(options, offline=options.offline or session.offline),
            progress=session.progress,
        )
        moved = [one.path for one in result.locks if one.status != locks.CURRENT]
        stage.status = (locks.STALE if not result.ok else locks.UPDATED) if moved else locks.CURRENT
        stage.detail = f"{len(moved) or len(result.locks)} locks"
    return result


def _lock_target(session: Session, workflow: "Workflow") -> locks.Target:
    """Return what a lock is solved from: the workflow's pixi.toml, or in the embedded profile its package."""
    path = session.lock_file(workflow)
    shown = session.workspace.relative(path)
    if session.profile is Profile.EMBEDDED:
        spec = f"{workflow.distribution} =={session.workspace.version}"
        channels = (session.workspace.release_channel, BASE_URL)
        wanted = manifest.simple(
            workflow.name, channels=channels, platforms=[platforms.current()], specs=[spec]
        )
        return locks.Target(manifest=wanted, path=path, shown=shown)
    source = workflow.package / "pixi.toml"
    text = source.read_text(encoding="utf-8")
    wanted = pixi.read(text, session.workspace.relative(source), label=workflow.name)
    return locks.Target(manifest=wanted, path=path, shown=shown)
