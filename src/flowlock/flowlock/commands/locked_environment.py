"""The environment of a workflow or location, from its lock: refused if that is not of today's sources."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from flowlock.commands import hand_edits
from flowlock.commands.session import Profile, Session
from flowlock.compile.manifest import digest
from flowlock.conda import platforms
from flowlock.edges import files
from flowlock.errors import FlowlockError
from flowlock.names import import_name
from flowlock.running import environment as env
from flowlock.spec.layout import FILE as LAYOUT
from flowlock.workspace import GeneratedPackage, Workflow

README = "README.md"


@contextmanager
def install(
    session: Session, workflow: GeneratedPackage, environment: str, *, frozen: bool
) -> Iterator[env.Environment]:
    """Yield an environment of a workflow or location from its lock, installed unless it is there and whole.

    What `checked_lock` refuses is not installed.
    """
    lock_file = checked_lock(session, workflow, environment, frozen=frozen)
    places = session.environments(session.profile, workflow.name, environment)
    with session.temporaries(), ExitStack() as stack:
        with session.progress.stage("install") as stage:
            environment_found = stack.enter_context(
                env.installed(
                    lock_file, environment, platforms.current(), places=places, progress=session.progress
                )
            )
            stage.status = "current" if environment_found.reused else "made"
            stage.detail = f"{workflow.name}: {session.workspace.relative(environment_found.prefix)}"
        yield environment_found


def checked_lock(session: Session, workflow: GeneratedPackage, environment: str, *, frozen: bool) -> Path:
    """Return a workflow's lock, which must exist.

    A package that was changed by hand is refused. So are, unless `frozen`, a package that its spec has
    outgrown, and a lock that its manifest or today's sources have, with the reasons.
    """
    hand_edits.refuse(session.workspace, [workflow])
    lock_file = session.lock_file(workflow)
    if not lock_file.is_file():
        raise FlowlockError(
            f"{workflow.name} has no lock for the profile {session.profile}",
            code="FL711",
            hint=_way_to_a_lock(session, workflow),
        )
    if not frozen:
        if isinstance(workflow, Workflow):
            _refuse_uncompiled(session, workflow)
        _refuse_stale(session, workflow, environment)
    return lock_file


def _way_to_a_lock(session: Session, workflow: GeneratedPackage) -> str:
    embedded = replace(session, profile=Profile.EMBEDDED)
    if session.profile is not Profile.EMBEDDED and embedded.lock_file(workflow).is_file():
        return "the embedded profile has one: `flowlock --profile embedded`, or set FLOWLOCK_PROFILE=embedded"
    return f"run {_sync(session)}"


def _sync(session: Session) -> str:
    """Return the command that renews the lock of the profile in use, not that of the other."""
    return f"`flowlock --profile {session.profile} sync`"


def _refuse_uncompiled(session: Session, workflow: Workflow) -> None:
    """Refuse a package that was compiled from another spec or layout; the lock pins the rest."""
    spec, layout = workflow.spec, workflow.folder / LAYOUT
    readme = files.read_text(workflow.package / README, README)
    if digest(files.read_text(spec, session.workspace.relative(spec))) not in readme:
        raise _uncompiled(session, workflow, spec)
    compiled_layout = workflow.package / import_name(workflow.distribution) / LAYOUT
    if (layout.exists() or compiled_layout.exists()) and not _is_compiled(session, workflow):
        raise _uncompiled(session, workflow, layout)


def _is_compiled(session: Session, workflow: Workflow) -> bool:
    from flowlock.commands.compile import compile_workflows
    from flowlock.commands.tasks import EnvironmentLookup

    lookup = EnvironmentLookup(session=session)
    names, progress = [workflow.name], session.progress
    compared = compile_workflows(session.workspace, names, check=True, progress=progress, lookup=lookup)
    return all(one.status != "stale" for one in compared.workflows)


def _uncompiled(session: Session, workflow: Workflow, file: Path) -> FlowlockError:
    return FlowlockError(
        f"{session.workspace.relative(file)} has changed since {workflow.name} was compiled",
        code="FL719",
        hint=f"run {_sync(session)}, or run what was compiled with --frozen",
    )


def _refuse_stale(session: Session, workflow: GeneratedPackage, environment: str) -> None:
    from flowlock.commands import lock as command
    from flowlock.lock.result import LockOptions

    concerned = LockOptions(environments=(environment,), platforms=(platforms.current(),))
    result = command.check(session, [workflow.name], concerned)
    if not result.ok:
        raise FlowlockError(
            f"the lock of {workflow.name} is out of date",
            code="FL714",
            detail=result.as_text(),
            hint=f"run {_sync(session)}, or skip the check with --frozen",
        )
