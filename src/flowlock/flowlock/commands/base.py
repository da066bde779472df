"""`flowlock base`, and the same as the first stage of what needs its channel."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flowlock.builder.plan.targets import Target, targets
from flowlock.commands.session import Profile, Session

if TYPE_CHECKING:
    from flowlock.base.channel import BaseResult


def base(session: Session) -> "BaseResult":
    """Make the embedded base channel hold what the workspace's builds and workflows need."""
    with session.exclusive():
        return _make(session, targets(session.workspace))


def prepare(session: Session, buildable: Mapping[str, Target], more: Iterable[str] = ()) -> None:
    """Make sure that the profile's environments can be had; the caller holds the workspace.

    `buildable` are the workspace's targets. `more` are match specs of packages that no compiled workflow
    needs yet.
    """
    if session.profile is Profile.EMBEDDED:
        _make(session, buildable, more)


def _make(session: Session, buildable: Mapping[str, Target], more: Iterable[str] = ()) -> "BaseResult":
    # Imported here: every build comes by, and other profiles than the embedded one need nothing of it.
    from flowlock.base.channel import make
    from flowlock.commands.base_requirements import requirements

    asked = requirements(session.workspace, buildable, more)
    return make(session.workspace, asked, offline=session.offline, progress=session.progress)
