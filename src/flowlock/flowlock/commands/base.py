"""`flowlock base`, and the same as the first stage of what needs its channel."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flowlock.builder.plan.targets import BuildTarget, targets
from flowlock.commands.session import Profile, Session
from flowlock.workspace import GeneratedPackage

if TYPE_CHECKING:
    from flowlock.base.channel import BaseResult


def base(session: Session) -> "BaseResult":
    """Make the embedded base channel hold what builds need, and the workflows that the session is about."""
    with session.exclusive():
        return _make(session, targets(session.workspace))


def prepare(session: Session, buildable: Mapping[str, BuildTarget], more: Iterable[str] = ()) -> None:
    """Make sure that the profile's environments can be made; the caller holds the lock of the workspace.

    `buildable` are the workspace's targets. `more` are match specs of packages that no compiled workflow
    needs yet.
    """
    if session.profile is Profile.EMBEDDED:
        _make(session, buildable, more)


def _make(session: Session, buildable: Mapping[str, BuildTarget], more: Iterable[str] = ()) -> "BaseResult":
    # Imported here: every build comes by, and other profiles than the embedded one need nothing of it.
    from flowlock.base.channel import make
    from flowlock.commands.base_requirements import requirements

    needed = requirements(session.workspace, buildable, needed_packages(session), more)
    return make(session.workspace, needed, offline=session.offline, progress=session.progress)


def needed_packages(session: Session) -> list[GeneratedPackage]:
    """Return the workflows and the location that get an environment, and those that have a lock already.

    What the base holds for a workflow that was named before must not go when another one is named.
    """
    locked = [one for one in session.workspace.generated if session.lock_file(one).is_file()]
    return list({one.name: one for one in (*session.installable, *locked)}.values())
