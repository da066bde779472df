"""Which tags a deployment had, and the one to go back to. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

ROLLED_BACK = "Rolled-back-from: "


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployedTag:
    """The tag after a commit; `rolled_back` is the one that the commit took back, if it is a rollback."""

    tag: str
    rolled_back: str = ""


def rolled_back_from(message: str) -> str:
    """Return the tag that a commit took back, by the trailer of its message; nothing for other commits."""
    for line in message.splitlines():
        if line.startswith(ROLLED_BACK):
            return line.removeprefix(ROLLED_BACK).strip()
    return ""


def last_good(deployed: Sequence[DeployedTag]) -> str | None:
    """Return the tag before the present one that was not taken back, None if there is none.

    `deployed` begins with the oldest. A tag that was taken back is good again when it is deployed again.
    """
    # In the order of the last deployment.
    good: dict[str, None] = {}
    for entry in deployed:
        good.pop(entry.rolled_back, None)
        good.pop(entry.tag, None)
        good[entry.tag] = None
    # The last one is the present one.
    earlier = list(good)[:-1]
    return earlier[-1] if earlier else None
