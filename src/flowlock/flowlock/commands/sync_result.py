"""What a sync did, stage by stage."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from flowlock.commands.recorded_progress import StageResult


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncResult:
    """What each stage did; with --check or --dry-run, what would change."""

    stages: tuple[StageResult, ...]

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
