"""What an op passes on: the value of its step, and which files the run has read and written so far."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowlock_core.execute import RunLog
from flowlock_core.execute.context import Position

# Before every call of a step.
_EARLIER: Position = (-1, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class StepOutput:
    """The value of a step, which may be the marker of a skipped one; it travels through any I/O manager.

    `inputs` are the files that the step and those before it named, by step; `written` are those that they
    wrote, below the results folder, and which step did. Steps may run in other processes, so only their
    outputs can say that.
    """

    value: Any
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)


def log_after(outputs: Iterable[StepOutput], results: Path) -> RunLog:
    """Return the log of a run in which some steps, and those before them, have ended."""
    log = RunLog()
    for output in outputs:
        for step, paths in output.inputs.items():
            log.inputs_of.setdefault(step, set()).update(map(Path, paths))
        log.written.update(dict.fromkeys([results / name for name in output.written], _EARLIER))
    return log


def output_of(value: Any, step: str, log: RunLog, results: Path, earlier: Iterable[StepOutput]) -> StepOutput:
    """Return what a step passes on, once its log is filled."""
    written = {path.relative_to(results).as_posix(): step for path in log.written}
    for output in earlier:
        written |= output.written
    inputs = {name: tuple(sorted(map(str, paths))) for name, paths in log.inputs_of.items() if paths}
    return StepOutput(value=value, inputs=inputs, written=written)


def written_twice_in(outputs: Iterable[StepOutput]) -> tuple[str, str] | None:
    """Return a file that two steps wrote, neither of which knew of the other, and one of them."""
    written: dict[str, str] = {}
    for output in outputs:
        for name, step in output.written.items():
            if written.setdefault(name, step) != step:
                return name, step
    return None
