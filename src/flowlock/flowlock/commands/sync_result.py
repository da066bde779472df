"""What a sync did, stage by stage."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class StageResult:
    """One stage's outcome: `current`, or what was done; seconds are wall clock."""

    name: str
    status: str
    detail: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncResult:
    """What each stage did; with --check or --dry-run, what would change.

    `noted` is whether there was something else for the user to see.
    """

    stages: tuple[StageResult, ...]
    noted: bool = False

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do, and nothing to say."""
        return not self.noted and all(stage.status == "current" for stage in self.stages)

    @property
    def ok(self) -> bool:
        """Whether nothing is out of date that remains out of date."""
        return all(stage.status != "stale" for stage in self.stages)

    def as_json(self) -> Mapping[str, Any]:
        """Return {"ok", "stages": [{name, status, detail, seconds}]}."""
        return {"ok": self.ok, "stages": [asdict(stage) for stage in self.stages]}

    def as_text(self) -> str:
        """Return nothing if all stages are current, else which are out of date, and the next command."""
        stale = [stage.name for stage in self.stages if stage.status == "stale"]
        return f"out of date: {', '.join(stale)}; run `flowlock sync` and commit" if stale else ""
