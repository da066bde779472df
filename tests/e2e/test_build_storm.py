"""Kill -9 wherever the build writes: a rerun ends as an undisturbed run; no reader sees a broken index."""

import asyncio
import collections
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import rattler
import zstandard

from small import Small

LONG = os.environ.get("FLOWLOCK_STORM") == "long"
# How often the long form hits each fault point, and how many of them the short form hits once.
SEED, HITS, SHORT = 20261101, 3, 12
# Runs a build; every change to the file system that our code is about to make is a fault point, named by what
# is done and by the function that does it. The process kills itself at the asked occurrence of one of them.
DRIVER = """
import os, signal, sys
from collections import Counter
from pathlib import Path
from flowlock.builder.plan.snapshot import read_snapshot
from flowlock.builder.run import build
from flowlock.report.reporter import Silent
from flowlock.workspace import load

root, points, target, occurrence = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
changes = {"os.rename", "os.remove", "os.mkdir", "os.link", "os.symlink", "os.rmdir", "subprocess.Popen"}
seen = Counter()

def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if not writes and event not in changes:
        return
    frame = sys._getframe(1)
    while frame is not None and not frame.f_globals.get("__name__", "").startswith("flowlock."):
        frame = frame.f_back
    if frame is None:
        return
    point = f"{event} in {frame.f_globals['__name__']}.{frame.f_code.co_name}"
    seen[point] += 1
    if point == target and seen[point] == occurrence:
        os.kill(os.getpid(), signal.SIGKILL)

workspace = load(root)
sys.addaudithook(watch)
build(read_snapshot(workspace), environments=[], jobs=1, progress=Silent())
points.write_text("\\n".join(f"{count} {point}" for point, count in seen.items()))
"""


class Stormy(Small):
    """A workspace of two packages that build in no time."""

    def __init__(self, root: Path, channel: str) -> None:
        super().__init__(root, channel)
        for name in ("one", "two"):
            self.add_data(name, "first")

    def edit(self, name: str, text: str) -> None:
        (self.root / "src" / name / "data.txt").write_text(text)

    def run(self, target: str = "", occurrence: int = 0) -> int:
        points = self.root.parent / "points"
        command = [sys.executable, "-c", DRIVER, str(self.root), str(points), target, str(occurrence)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        # Shown if the test fails.
        sys.stderr.write(done.stderr)
        return done.returncode

    def points(self) -> dict[str, int]:
        lines = (self.root.parent / "points").read_text().splitlines()
        return {point: int(count) for count, _, point in (line.partition(" ") for line in lines)}

    def litter(self) -> list[Path]:
        state = self.state.path
        temporary = [path for path in state.rglob("*") if "tmp-" in path.name]
        generations = sorted((state / "channel.generations").glob("[0-9]*"))
        return temporary + self.leftovers() + generations[2:]


async def solve(channel: Path, cache: Path) -> list[str]:
    """Solve as any client does that knows nothing from the last time."""
    gateway = rattler.Gateway(cache_dir=cache)
    records = await rattler.solve([channel.as_uri()], ["one", "two"], gateway=gateway, platforms=["noarch"])
    return sorted(record.name.normalized for record in records)


@contextmanager
def client(channel: Path, cache: Path) -> Iterator[collections.Counter[str]]:
    """Solve, and read the compressed index, over and over beside the block; yield what came of it."""
    outcomes: collections.Counter[str] = collections.Counter()
    stop = threading.Event()

    def go() -> None:
        # With pauses: the builds that are killed meanwhile need the processor too.
        while not stop.wait(0.05):
            try:
                packed = (channel / "noarch/repodata.json.zst").read_bytes()
                json.loads(zstandard.ZstdDecompressor().decompress(packed))
                outcomes[" ".join(asyncio.run(solve(channel, cache)))] += 1
            except Exception as error:  # noqa: BLE001 - whatever it is fails the test
                outcomes[repr(error)] += 1

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield outcomes
    finally:
        stop.set()
        thread.join()


@pytest.mark.storm
def test_killed_anywhere_and_run_again_the_channel_is_that_of_an_undisturbed_run(
    tmp_path: Path, tools: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stormy, calm = Stormy(tmp_path / "stormy", tools), Stormy(tmp_path / "calm", tools)
    assert stormy.run() == 0
    assert calm.run() == 0
    for workspace in (stormy, calm):
        workspace.edit("one", "recorded")
    assert stormy.run() == calm.run() == 0
    points = stormy.points()
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    storm = [point for point in sorted(points) for _ in range(HITS)]
    chance.shuffle(storm)
    histogram: collections.Counter[str] = collections.Counter()
    with client(stormy.state.channel, tmp_path / "cache") as outcomes:
        for number, point in enumerate(storm if LONG else storm[:SHORT]):
            stormy.edit("one", f"edit {number}")
            killed = stormy.run(point, chance.randint(1, points[point]))
            if not killed:
                # There were fewer occurrences than the first time; one there is always.
                stormy.edit("one", f"another edit {number}")
                killed = stormy.run(point, 1)
            histogram[point] += killed == -signal.SIGKILL
            assert killed in (0, -signal.SIGKILL)
            assert stormy.run() == 0
            assert stormy.litter() == []
    calm.edit("one", (stormy.root / "src/one/data.txt").read_text())
    assert calm.run() == 0
    assert stormy.contents() == calm.contents()
    assert set(outcomes) == {"one two"}
    with capsys.disabled():
        for point, hits in sorted(histogram.items()):
            sys.stdout.write(f"\n  {hits} x killed at {point}")
        sys.stdout.write(f"\n  {outcomes.total()} solves meanwhile")
    if LONG:
        assert min(histogram.values()) >= HITS


@pytest.mark.storm
def test_killed_while_packages_are_unpacked_and_run_again_a_build_is_that_of_an_undisturbed_run(
    tmp_path: Path, tools: str
) -> None:
    calm, stormy = Small(tmp_path / "calm", tools), Small(tmp_path / "stormy", tools)
    for workspace in (calm, stormy):
        workspace.add("alpha")
    calm.build()
    unpacked = contents(calm.packages)
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    for _ in range(30 if LONG else 3):
        for folder in (stormy.packages, stormy.state.cache):
            shutil.rmtree(folder, ignore_errors=True)
        with subprocess.Popen(stormy.process(), stderr=subprocess.DEVNULL) as running:
            deadline = time.monotonic() + 30
            while not any(stormy.packages.glob("pkgs/*")):
                assert time.monotonic() < deadline
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.6))
            running.send_signal(signal.SIGKILL)
        stormy.build()
        assert stormy.contents() == calm.contents()
        assert contents(stormy.packages) == unpacked
        assert stormy.leftovers() == []


def contents(packages: Path) -> dict[str, str]:
    return {
        path.relative_to(packages).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in packages.glob("pkgs/*/**/*")
        if path.is_file() and not path.is_symlink()
    }
