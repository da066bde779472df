"""What `flowlock publish` reports: each artifact at each target."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowlock.release.reviewed import UnlockedWorkflow
from flowlock.release.targets.protocol import DeliveryStatus

FINE = (DeliveryStatus.UPLOADED, DeliveryStatus.PRESENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactOutcome:
    """The outcome of one file at one target."""

    file: str
    sha256: str
    status: DeliveryStatus
    detail: str = ""

    def as_json(self) -> Mapping[str, Any]:
        """Return {"file", "sha256", "status", "detail"}."""
        return {"file": self.file, "sha256": self.sha256, "status": str(self.status), "detail": self.detail}


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetOutcome:
    """The outcomes of all files at one target; `detail` is why it was not finished, if it was not."""

    target: str
    artifacts: tuple[ArtifactOutcome, ...]
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether the target serves everything, and is finished."""
        return not self.detail and all(artifact.status in FINE for artifact in self.artifacts)

    def as_json(self) -> Mapping[str, Any]:
        """Return {"target", "artifacts"}."""
        return {"target": self.target, "artifacts": [artifact.as_json() for artifact in self.artifacts]}


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishResult:
    """A publish that went to its end, well or not; with `dry_run` nothing was changed."""

    tag: str
    targets: tuple[TargetOutcome, ...]
    dry_run: bool = False
    left_out: tuple[UnlockedWorkflow, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all targets serve everything; for a dry run, whether nothing prevents publishing."""
        if self.dry_run:
            bad = (DeliveryStatus.CONFLICT, DeliveryStatus.FAILED)
            return not any(artifact.status in bad for target in self.targets for artifact in target.artifacts)
        return all(target.ok for target in self.targets)

    def as_json(self) -> Mapping[str, Any]:
        """Return {"tag", "targets"}, and "left_out" where `flowlock.toml` leaves workflows out."""
        document: dict[str, Any] = {
            "tag": self.tag,
            "targets": [target.as_json() for target in self.targets],
        }
        if self.left_out:
            document["left_out"] = [workflow.as_json() for workflow in self.left_out]
        return document

    def as_text(self) -> str:
        """Return a line per target, and below it what is left to be done, a line per file."""
        lines = [line for target in self.targets for line in self._target_lines(target)]
        if not self.ok:
            lines += [
                "",
                f"{self.tag} is not published everywhere; run the same command again to complete it",
            ]
        return "\n".join(lines)

    def _target_lines(self, target: TargetOutcome) -> list[str]:
        shown = [artifact for artifact in target.artifacts if self.dry_run or artifact.status not in FINE]
        width = max((len(artifact.file) for artifact in shown), default=0)
        rows = [
            f"  {artifact.status:<8} {artifact.file:<{width}}  {artifact.detail}".rstrip()
            for artifact in shown
        ]
        lines = [f"{target.target}: {_summary(target) or 'nothing to publish'}", *rows]
        if target.detail:
            lines.append(f"  {target.detail}")
        return lines


def _summary(target: TargetOutcome) -> str:
    counts = Counter(artifact.status for artifact in target.artifacts)
    return ", ".join(f"{counts[status]} {status}" for status in DeliveryStatus if counts[status])
