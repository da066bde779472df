"""Timing for all measurements: interleaved repetitions, medians, and a table."""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a call took: seconds, and processor seconds of this process and its children."""

    seconds: float
    processor: float


def side_by_side(
    candidates: Mapping[str, Callable[[], object]],
    *,
    repeat: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Return each candidate's median seconds; they take turns, so that a slow moment hits all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(repeat):
        for name, call in candidates.items():
            started = clock()
            call()
            seconds[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def costs_side_by_side(
    candidates: Mapping[str, Callable[[], object]],
    *,
    repeat: int,
    before: Mapping[str, Callable[[], object]],
) -> dict[str, Cost]:
    """Return each candidate's median costs, taken in turns; what is called `before` one is not counted."""
    costs: dict[str, list[Cost]] = {name: [] for name in candidates}
    for _ in range(repeat):
        for name, call in candidates.items():
            if name in before:
                before[name]()
            costs[name].append(_cost(call))
    return {name: _median(values) for name, values in costs.items()}


def _cost(call: Callable[[], object]) -> Cost:
    started, used = time.perf_counter(), _processor_seconds()
    call()
    return Cost(seconds=time.perf_counter() - started, processor=_processor_seconds() - used)


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        seconds=statistics.median(cost.seconds for cost in costs),
        processor=statistics.median(cost.processor for cost in costs),
    )


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a header, columns aligned; floats with three digits."""
    texts = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in [list(header), *texts]) for n in range(len(header))]
    for row in [list(header), ["-" * width for width in widths], *texts]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
