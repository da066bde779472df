"""Lines on stderr that follow a run: one per step, and now and then how far a long map is."""

import sys
from time import monotonic

from flowlock_core.execute.record import StepRecord
from flowlock_core.masking import masked

# Seconds between two lines about calls.
_PAUSE = 2.0


class ProgressLines:
    """An observer that tells people how many steps have ended, of how many."""

    def __init__(self, *, explain: bool = False) -> None:
        self._explain = explain
        self._steps = 0
        self._finished = 0
        self._told = monotonic()

    def started(self, steps: int) -> None:
        """Keep the number of steps."""
        self._steps = steps

    def called(self, step: str, done: int, total: int) -> None:
        """Print the progress of a map, at intervals."""
        if done < total and monotonic() - self._told > _PAUSE:
            self._write(f"running  {step:<32} {done} of {total}")

    def retried(self, call: str, retry: int, retries: int, message: str) -> None:
        """Print why a call runs again."""
        self._write(f"retry    {call:<32} {retry} of {retries}: {masked(message)}")

    def finished(self, record: StepRecord) -> None:
        """Print how a step ended."""
        self._finished += 1
        times = f" x{record.calls}" if record.calls > 1 else ""
        skipped = f", {record.skipped} skipped" if record.skipped and record.calls else ""
        reused = f", {record.reused} reused" if record.reused and record.calls else ""
        self._write(
            f"{record.status.value:<8} {record.id:<32} {record.task}{times}{reused}{skipped}"
            f"  {record.seconds:.3f} s  ({self._finished} of {self._steps})"
        )
        if self._explain and record.explanation:
            self._write(f"{'':<8} {record.explanation}")

    def _write(self, line: str) -> None:
        self._told = monotonic()
        sys.stderr.write(f"{line}\n")
