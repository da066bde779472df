"""`flowlock base`: what of the outside world the workspace needs, and the channel that holds it."""

from collections.abc import Mapping

from packaging.utils import canonicalize_name

from flowlock.base.channel import BaseResult, make
from flowlock.base.convert import requirement_from_match_spec, wheel_name_table
from flowlock.base.installed import wheels
from flowlock.build.plan import closure, needs
from flowlock.build.targets import Target, targets
from flowlock.lock.manifest import name_of
from flowlock.session import Profile, Session


def base(session: Session) -> BaseResult:
    """Make the embedded base channel hold what the workspace's builds and workflows need."""
    with session.exclusive():
        return _make(session)


def prepare(session: Session) -> None:
    """Make sure that the profile's environments can be had; the caller holds the workspace."""
    if session.profile is Profile.EMBEDDED:
        _make(session)


def _make(session: Session) -> BaseResult:
    return make(session.workspace, requirements(session), offline=session.offline, progress=session.progress)


def requirements(session: Session) -> list[str]:
    """Return what has to be in the base channel, as PEP 508: build tools, and what workflows need to run."""
    known = targets(session.workspace)
    workflows = [str(workflow.distribution) for workflow in session.workspace.workflow_list]
    graph = {name: needs(target.recipe, known) for name, target in known.items()}
    running = closure([name for name in workflows if name in known], graph)
    specs = {session.workspace.build_backend, session.workspace.build_installer}
    specs |= {spec for name in running for spec in _foreign(known[name], known)}
    wheel_name = wheel_name_table(session.workspace.wheel_names)
    found = (requirement_from_match_spec(spec, wheel_name) for spec in sorted(specs))
    requirements = [requirement for requirement in found if requirement is not None]
    names = {canonicalize_name(wheel_name(name_of(spec))) for spec in specs}
    installed = wheels(names, session.workspace.state / "cache" / "installed")
    return [*requirements, *(f"{name} @ {path.as_uri()}" for name, path in sorted(installed.items()))]


def _foreign(target: Target, known: Mapping[str, Target]) -> list[str]:
    return [spec for spec in target.recipe.requirements("run") if name_of(spec) not in known]
