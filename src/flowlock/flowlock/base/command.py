"""`flowlock base`: what of the outside world the workspace needs, and the channel that holds it."""

from collections.abc import Iterable, Mapping

from packaging.utils import canonicalize_name

from flowlock.base.channel import BaseResult, make
from flowlock.base.convert import requirement_from_match_spec, wheel_name_table
from flowlock.base.installed import wheels
from flowlock.build.plan import closure, needs
from flowlock.build.targets import Kind, Target, targets
from flowlock.lock.manifest import name_of
from flowlock.session import Profile, Session
from flowlock.spec.facts import CORE


def base(session: Session) -> BaseResult:
    """Make the embedded base channel hold what the workspace's builds and workflows need."""
    with session.exclusive():
        return _make(session)


def prepare(session: Session, more: Iterable[str] = ()) -> None:
    """Make sure that the profile's environments can be had; the caller holds the workspace.

    `more` are match specs of packages that no compiled workflow needs yet.
    """
    if session.profile is Profile.EMBEDDED:
        _make(session, more)


def _make(session: Session, more: Iterable[str] = ()) -> BaseResult:
    asked = requirements(session, more)
    return make(session.workspace, asked, offline=session.offline, progress=session.progress)


def requirements(session: Session, more: Iterable[str] = ()) -> list[str]:
    """Return what has to be in the base channel, as PEP 508: build tools, and what workflows need to run."""
    known = targets(session.workspace)
    workflows = [str(workflow.distribution) for workflow in session.workspace.workflow_list]
    graph = {name: needs(target.recipe, known) for name, target in known.items()}
    running = closure([name for name in workflows if name in known], graph)
    asked = {name: set(_foreign(known[name], known)) for name in running}
    specs = {session.workspace.build_backend, session.workspace.build_installer}
    specs = specs.union(more, *asked.values())
    wheel_name = wheel_name_table(session.workspace.wheel_names)
    found = (requirement_from_match_spec(spec, wheel_name) for spec in sorted(specs))
    requirements = [requirement for requirement in found if requirement is not None]
    names = {canonicalize_name(wheel_name(name_of(spec))) for spec in specs}
    ours = {name_of(spec) for name in running if known[name].kind is Kind.PACKAGE for spec in asked[name]}
    theirs = {name_of(spec) for name in running if known[name].kind is Kind.WORKFLOW for spec in asked[name]}
    if theirs.union(map(name_of, more)) - ours:
        # A task package from an index needs the run time, which no index has; ours stands in for it.
        names.add(canonicalize_name(CORE))
    installed = wheels(names, session.workspace.state / "cache" / "installed")
    return [*requirements, *(f"{name} @ {path.as_uri()}" for name, path in sorted(installed.items()))]


def _foreign(target: Target, known: Mapping[str, Target]) -> list[str]:
    return [spec for spec in target.recipe.requirements("run") if name_of(spec) not in known]
