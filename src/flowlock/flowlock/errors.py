"""What can go wrong, as data: every failure a user sees is one of these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

# The same for a workflow's command: what that says can be passed on unchanged.
from flowlock_core.errors import ExitCode, Location, nearest

__all__ = [
    "ExitCode",
    "FlowlockError",
    "Location",
    "Problem",
    "Severity",
    "UsageError",
    "from_os_error",
    "nearest",
    "nearest_or_all",
    "shortened",
]
# More names than that are not read in a hint.
_MOST_NAMES = 12


class Severity(StrEnum):
    """Whether a problem must be fixed or is only a warning."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One problem of an input: the code of the rule, a message, the location and a hint."""

    code: str
    message: str
    location: Location | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR

    def as_json(self) -> dict[str, str | int | None]:
        """Return the problem as `check --json` prints it."""
        where = self.location
        return {
            "code": self.code,
            "message": self.message,
            "file": where.file if where else None,
            "line": where.line if where else None,
            "column": where.column if where else None,
            "hint": self.hint,
        }


class FlowlockError(Exception):
    """An expected failure: what happened, why in detail, what was kept, and the next command.

    `problems` are all the faults of one input, `detail` is text from elsewhere (a solver's explanation, the
    tail of a log) and is shown unchanged. `texts` are files that problems point into, by the name that their
    locations use: their lines are shown.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "FL001",
        location: Location | None = None,
        problems: Sequence[Problem] = (),
        hint: str | None = None,
        kept: str | None = None,
        detail: str | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems) or (
            Problem(code=code, message=message, location=location, hint=hint),
        )
        self.hint = hint
        self.kept = kept
        self.detail = detail
        self.texts = texts or {}


class UsageError(FlowlockError):
    """The command was called with arguments that do not fit together; exits 2."""


def nearest_or_all(name: str, names: Sequence[str]) -> str:
    """Return a hint at the name that was meant, or, if none is close, at those that exist."""
    return nearest(name, names) or f"available: {shortened(names, _MOST_NAMES) or 'none'}"


def shortened(names: Sequence[str], most: int) -> str:
    """Return names for a message: the first ones, and how many more there are."""
    listed = ", ".join(names[:most])
    return f"{listed} and {len(names) - most} more" if len(names) > most else listed


def from_os_error(error: OSError, doing: str, path: Path | str) -> FlowlockError:
    """Turn an error of the operating system into a FlowlockError with a hint."""
    import errno

    hints = {
        errno.ENOSPC: ("FL010", "free some space, or move the workspace to another disk"),
        errno.EDQUOT: ("FL010", "the disk quota is used up: free some space"),
        errno.EACCES: ("FL011", "change the permissions, or run as its owner"),
        errno.EPERM: ("FL011", "change the permissions, or run as its owner"),
        errno.EROFS: ("FL011", "the file system is read-only: move the workspace, or remount it"),
        errno.ENOENT: ("FL012", "check the path"),
        errno.ENOTDIR: ("FL012", "part of the path is a file, not a folder: check the path"),
        errno.EISDIR: ("FL012", "the path is a folder, not a file"),
    }
    code, hint = hints.get(error.errno or 0, ("FL013", "see the message from the operating system above"))
    reason = error.strerror or str(error)
    return FlowlockError(f"cannot {doing} {path}: {reason}", code=code, hint=hint)
