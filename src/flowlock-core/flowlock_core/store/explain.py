"""Why a step ran, was reused or was not kept, in words."""

from collections.abc import Mapping

# What the parts of a key are called, by how their names begin.
_WORDS = {
    "code of ": "the code of {}, or of its requirements,",
    "argument ": "its argument `{}`",
    "file ": "the file {}",
    "connection ": "the identity of its connection `{}`",
}
_MANY = 3


def what_changed(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return how the parts of a call's key differ from those of the run before."""
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if not changed:
        return "its result is no longer cached, or an environment variable changed"
    said = [_said(name, before, now) for name in changed[:_MANY]]
    if len(changed) > _MANY:
        said.append(f"{len(changed) - _MANY} more")
    return " and ".join(said)


def _said(name: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    how = "changed"
    if name not in before:
        how = "is new"
    elif name not in now:
        how = "was removed"
    for prefix, words in _WORDS.items():
        if name.startswith(prefix):
            return f"{words.format(name.removeprefix(prefix))} {how}"
    return f"its {name} {how}"


def explanation(*, reused: int, ran: int, why_ran: str, why_not_kept: str) -> str:
    """Return what was done about a step."""
    parts = []
    if reused and not ran:
        return "reused because its code and inputs are unchanged"
    if reused:
        parts.append(f"{reused} reused, {ran} ran because {why_ran}")
    elif why_ran:
        parts.append(f"ran because {why_ran}")
    if why_not_kept:
        parts.append(f"not cached because {why_not_kept}")
    return "; ".join(parts)
