"""The index of 1,000, 4,000 and 20,000 artifacts: from nothing, with one more, and with nothing new.

The engine's own indexer is beside it, under the usual limit of open files. It is a new process each time: its
seconds include a start of Python, which the table shows too.
"""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench._measure import print_table, side_by_side
from flowlock.channel import store
from flowlock.conda import archive
from flowlock.conda.artifact import Artifact
from flowlock.conda.members import Member
from flowlock.edges import files

# Artifacts → seconds from nothing, with one more, with nothing new; None if there is no goal.
GOALS: dict[int, tuple[float | None, float | None, float | None]] = {
    1_000: (0.6, 0.1, None),
    4_000: (None, 0.3, 0.1),
    20_000: (None, None, None),
}
OPEN_FILES = 1024
REPEAT = {1_000: 5, 4_000: 3, 20_000: 1}
# Without the interpreter's own end, during which the engine's threads may crash.
ENGINE = """
import asyncio, os, sys
from pathlib import Path
from rattler.index import index_fs
try:
    asyncio.run(index_fs(Path(sys.argv[1]), force=len(sys.argv) > 2))
except Exception as error:
    print("too many open files" if "open files" in str(error) else error, flush=True)
    os._exit(1)
os._exit(0)
"""
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)


def main() -> None:
    """Print a table for each number of artifacts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, most))
    for count, goals in GOALS.items():
        with tempfile.TemporaryDirectory() as folder:
            _print(count, goals, _measured(Path(folder), count))


def _measured(root: Path, count: int) -> dict[str, float | str]:
    """Return the median seconds of each step, or why the engine failed."""
    folder = root / "artifacts" / "noarch"
    folder.mkdir(parents=True)
    every = [tiny_artifact(folder, number) for number in range(count + 1)]
    steps: dict[str, Callable[[], object]] = {
        "from nothing": partial(_put, root, every[:-1]),
        "one more": partial(_put, root, every),
        "nothing new": partial(_put, root, every),
        "the engine, from nothing": partial(_engine, folder.parent, "force"),
        "the engine, nothing new": partial(_engine, folder.parent),
        "a start of Python": partial(subprocess.run, [sys.executable, "-c", ""], check=True),
    }
    seconds: dict[str, list[float]] = {}
    failed: dict[str, float | str] = {}
    for _ in range(REPEAT[count]):
        shutil.rmtree(root / "channel", ignore_errors=True)
        for name, step in steps.items():
            try:
                seconds.setdefault(name, []).append(side_by_side({name: step}, repeat=1)[name])
            except subprocess.CalledProcessError as error:
                failed[name] = f"fails: {error.stdout.strip()}"
    return {name: statistics.median(values) for name, values in seconds.items() if values} | failed


def _put(root: Path, wanted: Sequence[store.ChannelArtifact]) -> None:
    folder = root / "channel"
    store.put(folder / "current", wanted, subdirs=["linux-64"], cache=folder / "cache")


def _engine(folder: Path, *force: str) -> None:
    subprocess.run([sys.executable, "-c", ENGINE, folder, *force], check=True, capture_output=True, text=True)


def _print(count: int, goals: tuple[float | None, ...], found: dict[str, float | str]) -> None:
    limits = [*(f"≤ {goal}" if goal else "" for goal in goals), "", "", ""]
    rows = [(name, value, limit) for (name, value), limit in zip(found.items(), limits, strict=True)]
    print_table((f"index of {count:,}", "seconds", "goal"), rows)
    print()


def tiny_artifact(folder: Path, number: int) -> store.ChannelArtifact:
    """Write an artifact of one file."""
    stem = f"tiny-{number}-1.0-h0_0"
    record = {"name": f"tiny-{number}", "version": "1.0", "build": "h0_0", "build_number": 0}
    about = {"depends": ["python >=3.11"], "noarch": "generic", "subdir": "noarch"}
    members = [
        Member(path="share/number", data=str(number).encode()),
        Member(path="info/index.json", data=json.dumps({**record, **about}).encode()),
        Member(path="info/paths.json", data=b'{"paths": [], "paths_version": 1}'),
    ]
    path = folder / f"{stem}.conda"
    path.write_bytes(archive.write(stem, members, epoch=EPOCH))
    artifact = Artifact(
        name=f"tiny-{number}",
        version="1.0",
        build="h0_0",
        number=0,
        subdir="noarch",
        sha256=files.sha256_of(path),
    )
    return store.ChannelArtifact(artifact=artifact, origin=path)
