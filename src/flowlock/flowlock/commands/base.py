"""`flowlock base`, and the same as the first stage of what needs its channel."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flowlock.commands.session import Profile, Session

if TYPE_CHECKING:
    from flowlock.base.channel import BaseResult


def base(session: Session) -> "BaseResult":
    """Make the embedded base channel hold what the workspace's builds and workflows need."""
    with session.exclusive():
        return _make(session)


def prepare(session: Session, more: Iterable[str] = ()) -> None:
    """Make sure that the profile's environments can be had; the caller holds the workspace.

    `more` are match specs of packages that no compiled workflow needs yet.
    """
    if session.profile is Profile.EMBEDDED:
        _make(session, more)


def _make(session: Session, more: Iterable[str] = ()) -> "BaseResult":
    # Imported here: every build comes by, and other profiles than the embedded one need nothing of it.
    from flowlock.base.channel import make
    from flowlock.commands.base_requirements import requirements

    asked = requirements(session, more)
    return make(session.workspace, asked, offline=session.offline, progress=session.progress)
