"""What the cache costs: digests beside Arrow's stream, a run with nothing to do beside a mere check."""

import hashlib
import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import ipc

from bench._measure import print_table, side_by_side
from flowlock_core.store.digest import digest

ROWS = 1_000_000
DIGEST_GOAL, RESUME_GOAL, HELP_GOAL = 1.3, 1.3, 0.1
STEPS = 40
WORKFLOW = """
from flowlock_core.execute import Steps
from flowlock_core.task import task
from flowlock_core.types import DataFrame

@task
def made(rows: int) -> DataFrame:
    import pandas as pd
    return pd.DataFrame({"a": range(rows)})

@task
def more(df: DataFrame) -> DataFrame:
    return df.assign(a=df["a"] + 1)

@task
def counted(df: DataFrame) -> int:
    return len(df)

def many(step: Steps):
    df = step(made, "made").partial(rows=1000).call()
    for number in range(STEPS - 2):
        df = step(more, f"more{number}").partial(df=df).call()
    return step(counted, "counted").partial(df=df).call()
"""
RUN = """
import sys
from flowlock_core.cli import main
sys.exit(main("many_workflow.workflow:many", sys.argv[1:]))
"""
CHECK = """
from many_workflow.workflow import many
from flowlock_core.command.running import trace
from flowlock_core.parameters.checks import check_params
from flowlock_core.command.output import write_results
assert not check_params(trace(many), {})
"""
BARE = "import argparse; argparse.ArgumentParser().parse_args()"


class Sink(io.RawIOBase):
    """Digests what Arrow writes."""

    def __init__(self) -> None:
        self.hasher = hashlib.sha256()

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Digest."""
        self.hasher.update(data)
        return len(data)


def frame() -> pd.DataFrame:
    """Make a table of ten columns, about 100 MB."""
    numbers = np.random.default_rng(1)
    columns: dict[str, Any] = {f"f{n}": numbers.random(ROWS) for n in range(5)}
    columns |= {f"i{n}": numbers.integers(0, 10**9, ROWS) for n in range(3)}
    columns["t"] = pd.date_range("2020", periods=ROWS, freq="s")
    columns["s"] = pd.Series(numbers.integers(0, 10**6, ROWS)).astype("str")
    return pd.DataFrame(columns)


def by_hand(df: pd.DataFrame) -> str:
    """Digest a table as one does by hand, slices of other tables apart."""
    table, sink = pa.Table.from_pandas(df).combine_chunks(), Sink()
    with pa.PythonFile(sink, "w") as file, ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    return sink.hasher.hexdigest()


def digests() -> None:
    """Print the time of a digest beside Arrow's stream into sha256."""
    df = frame()
    seconds = side_by_side({"Arrow into sha256": lambda: by_hand(df), "ours": lambda: digest(df)}, repeat=5)
    floor = seconds["Arrow into sha256"]
    rows = [(name, value, value / floor, f"≤ {DIGEST_GOAL}") for name, value in seconds.items()]
    print_table((f"digest of {ROWS:,} x 10", "seconds", "ratio", "goal"), rows)


def resumed(folder: Path) -> None:
    """Print the time of a run with nothing to do beside tracing and checking alone."""
    package = folder / "many_workflow"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "workflow.py").write_text(WORKFLOW.replace("STEPS", str(STEPS)))

    def run(code: str, *arguments: str) -> None:
        command = [sys.executable, "-c", code, *arguments]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    run(RUN, "run", "-q", "--cache", "cache")
    seconds = side_by_side(
        {
            "trace and check": lambda: run(CHECK),
            f"--resume of {STEPS} steps": lambda: run(RUN, "run", "-q", "--cache", "cache", "--resume"),
            "bare argparse --help": lambda: run(BARE, "--help"),
            "run --help": lambda: run(RUN, "run", "--help"),
        },
        repeat=9,
    )
    floor, bare = seconds["trace and check"], seconds["bare argparse --help"]
    goals = {f"--resume of {STEPS} steps": f"≤ {RESUME_GOAL} times the check"}
    goals["run --help"] = f"≤ {HELP_GOAL} s above bare"
    rows = [
        (name, value, value / floor, value - bare, goals.get(name, "")) for name, value in seconds.items()
    ]
    print_table(("process", "seconds", "ratio", "above bare", "goal"), rows)


def main() -> None:
    """Print both tables."""
    digests()
    with tempfile.TemporaryDirectory() as folder:
        resumed(Path(folder))


if __name__ == "__main__":
    main()
