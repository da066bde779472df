"""What `flowlock lock` is asked and what it tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowlock.lock.lockfile import diff
from flowlock.lock.lockfile.diff import PinChange
from flowlock.lock.manifest.model import Manifest
from flowlock.lock.satisfy import StaleReason

CURRENT, UPDATED, STALE = "current", "updated", "stale"


@dataclass(frozen=True, kw_only=True, slots=True)
class LockTarget:
    """A lock to keep in step: its manifest, its file, and how messages call the file."""

    manifest: Manifest
    path: Path
    shown: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOptions:
    """How to lock: `update` are names that shall move, `upgrade` moves all; `jobs` 0 is one a core.

    `repodata` are folders of metadata, each as `DIR` or `CHANNEL=DIR`; `cache` keeps what live channels said,
    the engine's own folder if not given. With `upgrade_format` nothing is solved: a lock of an older version
    is written in the current one.
    """

    environments: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    check: bool = False
    dry_run: bool = False
    update: tuple[str, ...] = ()
    upgrade: bool = False
    upgrade_format: bool = False
    offline: bool = False
    repodata: tuple[str, ...] = ()
    cache: Path | None = None
    jobs: int = 0

    @property
    def moves(self) -> bool:
        """Whether pins shall move that are not stale."""
        return self.upgrade or bool(self.update)


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOutcome:
    """One lock's outcome: `stale` (with --check or --dry-run), `updated` or `current`."""

    path: str
    status: str
    reasons: tuple[StaleReason, ...] = ()
    changes: tuple[PinChange, ...] = ()
    places: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class LockResult:
    """What `flowlock lock` did."""

    locks: tuple[LockOutcome, ...]

    @property
    def ok(self) -> bool:
        """Whether no lock is stale and stays so."""
        return all(locked.status != STALE for locked in self.locks)

    def as_json(self) -> Mapping[str, Any]:
        """Return the contract's document."""
        return {
            "locks": [
                {
                    "path": locked.path,
                    "status": locked.status,
                    "reasons": [str(reason) for reason in locked.reasons],
                    "changes": [change.as_json() for change in locked.changes],
                }
                for locked in self.locks
            ]
        }

    def as_text(self) -> str:
        """Return a line a lock, a line a reason where it is stale, a line a change."""
        lines = []
        for locked in self.locks:
            lines.append(f"{locked.path}: {locked.status}")
            if locked.status == STALE:
                lines += [f"  {reason}" for reason in locked.reasons]
            lines += diff.as_lines(locked.changes, locked.places)
        return "\n".join(lines)
