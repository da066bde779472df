"""The format of a lock's file: a check that the engine reads it, and the upgrade of older versions."""

from collections.abc import Sequence

from flowlock.edges import files
from flowlock.errors import FlowlockError, Location
from flowlock.lock.lockfile import document, engine
from flowlock.lock.result import CURRENT, STALE, UPDATED, LockOptions, LockOutcome, LockResult, LockTarget
from flowlock.lock.satisfy import Rule, StaleReason
from flowlock.lock.solver.sources import KEPT


def require_readable(text: str, shown: str) -> None:
    """Refuse to write a lock that the engine cannot read, and therefore pixi cannot either."""
    try:
        engine.pins(text)
    except engine.RefusedError as error:
        raise FlowlockError(
            f"{shown} would not be readable by pixi: {error}",
            code="FL633",
            location=Location(file=shown),
            hint="please report this, and attach the manifest",
            kept=KEPT,
        ) from error


def upgrade(targets: Sequence[LockTarget], options: LockOptions) -> LockResult:
    """Write locks of older versions in the current format, all or none; no pin moves."""
    outcomes = []
    texts = {}
    for target in targets:
        text = files.read_text(target.path, target.shown)
        version = document.version_of(text, target.shown)
        if version == document.VERSION:
            outcomes.append(LockOutcome(path=target.shown, status=CURRENT))
            continue
        texts[target.path] = _upgraded(text, target.shown)
        writes = not (options.check or options.dry_run)
        message = f"the lock has format version {version}; the current version is {document.VERSION}"
        reason = StaleReason(rule=Rule.FORMAT, label=target.manifest.label, message=message)
        outcomes.append(
            LockOutcome(path=target.shown, status=UPDATED if writes else STALE, reasons=(reason,))
        )
    if not (options.check or options.dry_run):
        for path, text in texts.items():
            files.write_text(path, text)
    return LockResult(locks=tuple(outcomes))


def _upgraded(text: str, shown: str) -> str:
    try:
        return engine.upgraded(text)
    except engine.RefusedError as error:
        raise FlowlockError(
            f"the lock cannot be read: {error}",
            code="FL601",
            location=Location(file=shown, line=error.line or 1, column=error.column),
            hint="restore the file from git, or delete it and run `flowlock lock`",
        ) from error
