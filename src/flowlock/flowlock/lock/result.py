"""The targets, options and results of `flowlock lock`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flowlock.lock.lockfile import diff
from flowlock.lock.lockfile.diff import PinChange
from flowlock.lock.manifest.model import Manifest
from flowlock.lock.satisfy import StaleReason

CURRENT, UPDATED, STALE = "current", "updated", "stale"


@dataclass(frozen=True, kw_only=True, slots=True)
class LockTarget:
    """A lock to keep in sync: its manifest, its file, and the file's name in messages."""

    manifest: Manifest
    path: Path
    shown: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOptions:
    """How to lock: `update` names packages to move, `upgrade` moves all; `jobs` 0 is one per core.

    `repodata` are folders of metadata, each as `DIR` or `CHANNEL=DIR`; `cache` keeps the metadata of live
    channels, by default in the engine's own folder. With `upgrade_format` nothing is solved: a lock of an
    older version is written in the current one.
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
    def only_compares(self) -> bool:
        """Whether a lock that was found current without options is current with these."""
        return LockOptions() == replace(self, check=False, dry_run=False, offline=False, cache=None, jobs=0)

    def only_compares_parts(self, manifests: Iterable[Manifest]) -> bool:
        """Whether locks of these manifests that were found current without options are current with these.

        They are for some of their environments and platforms too, if the manifests have those.
        """
        exist = all(
            manifest.environment_names.issuperset(self.environments)
            and manifest.platform_names.issuperset(self.platforms)
            for manifest in manifests
        )
        return exist and replace(self, environments=(), platforms=()).only_compares

    @property
    def moves(self) -> bool:
        """Whether pins that are not stale should change."""
        return self.upgrade or bool(self.update)


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOutcome:
    """One lock's outcome: `stale` (with --check or --dry-run), `updated` or `current`."""

    path: str
    status: str
    reasons: tuple[StaleReason, ...] = ()
    changes: tuple[PinChange, ...] = ()
    platforms: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def as_json(self) -> Mapping[str, Any]:
        """Return {path, status, reasons, changes}."""
        return {
            "path": self.path,
            "status": self.status,
            "reasons": [str(reason) for reason in self.reasons],
            "changes": [change.as_json() for change in self.changes],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class LockResult:
    """What `flowlock lock` did."""

    locks: tuple[LockOutcome, ...]

    @property
    def ok(self) -> bool:
        """Whether no lock is stale."""
        return all(outcome.status != STALE for outcome in self.locks)

    def as_json(self) -> Mapping[str, Any]:
        """Return the contract's document."""
        return {"locks": [outcome.as_json() for outcome in self.locks]}

    def as_text(self) -> str:
        """Return a line per lock, per reason if it is stale, and per change."""
        lines = []
        for outcome in self.locks:
            lines.append(f"{outcome.path}: {outcome.status}")
            if outcome.status == STALE:
                lines += [f"  {reason}" for reason in outcome.reasons]
            lines += diff.as_lines(outcome.changes, outcome.platforms)
        return "\n".join(lines)
