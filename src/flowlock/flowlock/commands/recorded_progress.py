"""The stages of a command: recorded while it runs, and reported again when it has nothing to do."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from flowlock.report.reporter import Progress, ProgressStage

CURRENT = "current"


@dataclass(frozen=True, kw_only=True, slots=True)
class StageResult:
    """One stage's outcome: `current`, or what was done; seconds are wall clock."""

    name: str
    status: str
    detail: str
    seconds: float


@dataclass(slots=True)
class RecordingProgress:
    """Progress that also keeps how each stage ended, and whether there was a note for the user."""

    inner: Progress
    stages: list[StageResult] = field(default_factory=list)
    noted: bool = False

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do, and nothing to say."""
        return not self.noted and all(stage.status == CURRENT for stage in self.stages)

    @property
    def details(self) -> dict[str, str]:
        """The detail of each stage, in order."""
        return {stage.name: stage.detail for stage in self.stages}

    @contextmanager
    def stage(self, name: str) -> Iterator[ProgressStage]:
        """Pass a stage on, and keep its result."""
        started = time.perf_counter()
        with self.inner.stage(name) as stage:
            yield stage
        seconds = round(time.perf_counter() - started, 3)
        self.stages.append(StageResult(name=name, status=stage.status, detail=stage.detail, seconds=seconds))

    def working(self, text: str) -> None:
        """Pass the current activity on."""
        self.inner.working(text)

    def note(self, text: str) -> None:
        """Pass a note on."""
        self.noted = True
        self.inner.note(text)


def repeat(progress: Progress, command: str, details: Mapping[str, str]) -> None:
    """Report the stages of a command that had nothing to do, and has nothing to do again."""
    progress.working(f"no input has changed since the last {command}")
    for name, detail in details.items():
        with progress.stage(name) as stage:
            stage.status, stage.detail = CURRENT, detail
