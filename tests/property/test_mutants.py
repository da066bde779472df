"""Files that were damaged at random are read or refused: quickly, in little memory, never with a bug."""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from answer_kinds import SERVER
from flowlock.errors import FlowlockError, Problem
from flowlock.report.renderings import errors
from flowlock_core.errors import Problem as WorkflowProblem
from flowlock_core.errors import WorkflowError
from kind import ACCEPTED, Kind, Place, Problems
from kinds import KINDS
from mutations import damaged_bytes, damaged_tree
from shared import seeded

SEED = 20261125
LONG = os.environ.get("FLOWLOCK_STORM") == "long"
# Over all kinds at least 1,500, and 20,000 for long.
MUTANTS = 1560 if LONG else 120
# Seconds of the processor, since the machine may be busy; a mutant that only waits has the clock against it.
SECONDS, CLOCK_SECONDS, MEGABYTES = 5, 60, 300
# Of each kind, so many codes (outcomes, of what is never refused), and such a share of refusals with a place.
CODES, LOCATED = 5, 0.8
MEMORY = Path("/proc/self/status")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What became of one mutant: the problems that it met or the outcome, and what that took."""

    kind: Kind
    problems: Problems
    outcome: str
    seconds: float
    clock_seconds: float
    megabytes: float

    @property
    def labels(self) -> set[str]:
        """The codes of its problems, or its outcome."""
        return {problem.code for problem in self.problems} or {self.outcome}

    @property
    def is_located(self) -> bool:
        """Whether each of its problems names what a problem of its kind has to name."""
        return all(_names(problem, self.kind) for problem in self.problems)


def _names(problem: Problem | WorkflowProblem, kind: Kind) -> bool:
    location = problem.location
    match kind.place:
        case Place.LINE:
            return bool(location and location.line)
        case Place.MEMBER:
            return location is not None and location.file.startswith(f"{Path(kind.file).name}/")
        case Place.SERVER:
            return SERVER in problem.message or "127.0.0.1" in problem.message
        case _:
            return False


@pytest.mark.storm
@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_read_or_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    kinds = list(KINDS[name](tmp_path))
    readings: list[Reading] = []
    start = forget_peak()
    for number in range(MUTANTS):
        kind = kinds[number % len(kinds)]
        data = mutant(seeded(f"{SEED} {name} {number}"), kind)
        path = tmp_path / kind.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        reading = read(kind, path, start, shown=f"{name} {number}: {data[:300]!r}")
        assert reading.seconds <= SECONDS, (name, number, data[:300])
        assert reading.clock_seconds <= CLOCK_SECONDS, (name, number, data[:300])
        assert reading.megabytes <= MEGABYTES, (name, number, data[:300])
        readings.append(reading)
    with capsys.disabled():
        print_histogram(name, readings)
    assert len(told(readings)) >= CODES
    assert len(located(readings)) >= LOCATED * len(refused(readings))


def told(readings: Sequence[Reading]) -> set[str]:
    """Return the codes and outcomes that tell one fault from another."""
    return {label for reading in readings for label in reading.labels} - {ACCEPTED}


def refused(readings: Sequence[Reading]) -> list[Reading]:
    return [reading for reading in readings if reading.problems]


def located(readings: Sequence[Reading]) -> list[Reading]:
    return [reading for reading in refused(readings) if reading.is_located]


def mutant(chance: random.Random, kind: Kind) -> bytes:
    """Return a damaged file: with a fault of its kind, or in its bytes, or in the tree of its document."""
    if kind.faults is not None:
        return kind.faults(chance)
    data = chance.choice(kind.seeds)
    if kind.syntax is not None and chance.random() < 0.6:
        data = damaged_tree(chance, data, kind.syntax)
    else:
        data = damaged_bytes(chance, data)
    return data if kind.pack is None else kind.pack(data)


def read(kind: Kind, path: Path, start: float, *, shown: str) -> Reading:
    """Return what becomes of a mutant; anything but a refusal is a bug, and raised with what is shown."""
    problems: Problems = ()
    forget_peak()
    began, clock_began = time.process_time(), time.perf_counter()
    try:
        problems = errors(kind.read(path))
    except (FlowlockError, WorkflowError) as error:
        problems = error.problems
    except BaseException as error:
        error.add_note(shown)
        raise
    seconds, clock_seconds = time.process_time() - began, time.perf_counter() - clock_began
    megabytes = peak() - start
    outcome = ACCEPTED if problems else kind.outcome(path)
    return Reading(
        kind=kind,
        problems=problems,
        outcome=outcome,
        seconds=seconds,
        clock_seconds=clock_seconds,
        megabytes=megabytes,
    )


def print_histogram(name: str, readings: Sequence[Reading]) -> None:
    seconds = max(reading.seconds for reading in readings)
    megabytes = max(reading.megabytes for reading in readings)
    place = readings[0].kind.place.value
    sys.stderr.write(
        f"\n{name}: {len(readings)} mutants (seed {SEED}), {len(refused(readings))} refused, "
        f"{len(located(readings))} of them with {place}; at most {seconds:.2f} s, {megabytes:.0f} MB\n"
    )
    histogram = Counter(label for reading in readings for label in reading.labels)
    for label, count in histogram.most_common():
        sys.stderr.write(f"  {label:<20} {count:>5} {'#' * (1 + 59 * count // len(readings))}\n")


def peak() -> float:
    """Return the most memory that this process had since `forget_peak`, in MB; 0 where no kernel says so."""
    lines = MEMORY.read_text().splitlines() if MEMORY.exists() else []
    stated = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")]
    return max(stated, default=0.0)


def forget_peak() -> float:
    """Have the kernel take the peak anew, and return what the process has now, in MB."""
    if MEMORY.exists():
        MEMORY.with_name("clear_refs").write_text("5")
    return peak()
