"""Files that were damaged at random are read or refused: quickly, in little memory, never with a bug."""

import os
import random
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flowlock.errors import FlowlockError
from flowlock.report.renderings import errors
from flowlock_core.errors import WorkflowError
from kinds import KINDS, Kind, Problems
from mutations import damaged_bytes, damaged_tree

SEED = 20261125
LONG = os.environ.get("FLOWLOCK_STORM") == "long"
# Over all kinds at least 1,500, and 20,000 for long.
MUTANTS = 1560 if LONG else 120
SECONDS, MEGABYTES = 5, 300
ACCEPTED, BUG = "accepted", "BUG"
MEMORY = Path("/proc/self/status")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What became of one mutant: the problems it met, or the bug."""

    problems: Problems = ()
    bug: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0

    @property
    def fault(self) -> str:
        """What a user must never see, empty if all is well."""
        slow = f"{self.seconds:.1f} s" if self.seconds > SECONDS else ""
        large = f"{self.megabytes:.0f} MB" if self.megabytes > MEGABYTES else ""
        return " ".join(filter(None, [self.bug, slow, large]))

    @property
    def labels(self) -> set[str]:
        """The codes of its problems."""
        return {problem.code for problem in self.problems} or {BUG if self.bug else ACCEPTED}

    @property
    def is_located(self) -> bool:
        """Whether each of its problems names file and line."""
        return all(problem.location and problem.location.line for problem in self.problems)


@dataclass(kw_only=True)
class Readings:
    """The readings of one kind, and the mutants that showed a bug."""

    all: list[Reading] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)

    @property
    def refused(self) -> list[Reading]:
        """Those that were refused."""
        return [reading for reading in self.all if reading.problems]

    @property
    def located(self) -> list[Reading]:
        """Those of which every problem names file and line."""
        return [reading for reading in self.refused if reading.is_located]


@pytest.mark.storm
@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_read_or_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    kinds = list(KINDS[name](tmp_path))
    readings = Readings()
    start = forget_peak()
    for number in range(MUTANTS):
        chance = random.Random(f"{SEED} {name} {number}")  # noqa: S311 - the same files every time
        kind = kinds[number % len(kinds)]
        data = mutant(chance, kind)
        path = tmp_path / kind.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        reading = read(kind, path, start)
        readings.all.append(reading)
        if reading.fault:
            readings.bugs.append(f"{name} {number} ({kind.file}): {reading.fault}\n{data[:300]!r}")
    with capsys.disabled():
        print_histogram(name, readings)
    assert not readings.bugs, "\n".join(readings.bugs[:20])
    if kinds[0].text:
        assert len(readings.located) >= 0.8 * len(readings.refused)


def mutant(chance: random.Random, kind: Kind) -> bytes:
    """Return a damaged file: in its bytes, or in the tree of its document."""
    data = chance.choice(kind.seeds)
    if kind.syntax is not None and chance.random() < 0.6:
        data = damaged_tree(chance, data, kind.syntax)
    else:
        data = damaged_bytes(chance, data)
    return data if kind.pack is None else kind.pack(data)


def read(kind: Kind, path: Path, start: float) -> Reading:
    """Return what becomes of a mutant."""
    problems: Problems = ()
    bug = ""
    forget_peak()
    began = time.perf_counter()
    try:
        problems = errors(kind.read(path))
    except (FlowlockError, WorkflowError) as error:
        problems = error.problems
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - an engine's panic is no Exception
        frames = "".join(traceback.format_tb(error.__traceback__)[-3:])
        bug = f"{type(error).__name__}: {str(error)[:200]}\n{frames}"
    seconds = time.perf_counter() - began
    return Reading(problems=problems, bug=bug, seconds=seconds, megabytes=peak() - start)


def print_histogram(name: str, readings: Readings) -> None:
    seconds = max(reading.seconds for reading in readings.all)
    megabytes = max(reading.megabytes for reading in readings.all)
    sys.stderr.write(
        f"\n{name}: {len(readings.all)} mutants (seed {SEED}), {len(readings.refused)} refused, "
        f"{len(readings.located)} of them with file and line; at most {seconds:.2f} s, {megabytes:.0f} MB\n"
    )
    histogram = Counter(label for reading in readings.all for label in reading.labels)
    for label, count in histogram.most_common():
        sys.stderr.write(f"  {label:<9} {count:>5} {'#' * (1 + 59 * count // len(readings.all))}\n")


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
