"""Faults at random points of publishing: after reruns everything is there once, with the right bytes."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from flowlock.errors import FlowlockError
from flowlock.release import ledger
from flowlock.release.outcome import PublishResult
from servers import venues
from servers.faults import Fault, Storm
from servers.gitea import Gitea
from servers.github import GitHub
from servers.packages import package
from servers.venues import Venue
from shared import ROOT

SEED = 20261101
LONG = os.environ.get("FLOWLOCK_STORM") == "long"
# Each named fault happens at least so often over all targets.
EACH = 10
FILES = 12
KINDS = ("directory", "prefix", "quetz", "s3", "github", "gitea", "gitea-releases")
KILLS, EMPTY = "kill -9", "502 with an empty asset"


def opened(
    kind: str, storm: Storm, folder: Path, request: pytest.FixtureRequest
) -> AbstractContextManager[Venue]:
    stand_ins = {
        "prefix": venues.prefix,
        "github": venues.github,
        "gitea": venues.gitea,
        "gitea-releases": venues.gitea_releases,
    }
    match kind:
        case "directory":
            return nullcontext(venues.directory(folder))
        case "quetz":
            return venues.quetz(request.getfixturevalue("quetz_server"), storm)
        case "s3":
            return venues.s3(request.getfixturevalue("moto_server"), storm)
        case _:
            return stand_ins[kind](storm)


@pytest.mark.storm
def test_whatever_breaks_and_whenever_it_is_killed_reruns_publish_everything_once(
    tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    histogram: Counter[str] = Counter()
    for number, kind in enumerate(KINDS):
        storm = Storm(seed=SEED + number, rate=0.25, slow=0.5)
        folder = tmp_path / kind
        folder.mkdir()
        with opened(kind, storm, folder, request) as venue:
            for wave in range(12 if LONG else 2):
                survive(venue, storm, folder, wave, histogram)
        histogram.update(storm.happened)
    with capsys.disabled():
        print_histogram(histogram)
    for fault in (*Fault, KILLS, EMPTY):
        assert histogram[fault] >= EACH, fault


def print_histogram(histogram: Counter[str]) -> None:
    width = max(map(len, histogram))
    sys.stderr.write(f"\nfaults while publishing to {', '.join(KINDS)} (seed {SEED}):\n")
    for name, count in sorted(histogram.items()):
        sys.stderr.write(f"  {name:<{width}} {count:>4} {'#' * min(count, 60)}\n")


def survive(venue: Venue, storm: Storm, folder: Path, wave: int, histogram: Counter[str]) -> None:
    """Publish one version through the storm, killed a few times; see that all is served once and right."""
    rng = random.Random(SEED + wave)  # noqa: S311 - a storm that repeats
    here = folder / f"wave-{wave}"
    expected = artifacts(here / "artifacts", f"1.{wave}.0")
    if isinstance(venue.server, GitHub):
        # Each file's first upload fails upstream and leaves an empty asset.
        venue.server.breaks, venue.server.limited = set(expected), 2
    histogram[KILLS] += sum(killed(venue, storm, here, after=rng.randrange(1, FILES)) for _ in range(3))
    result = until_done(venue, here)
    assert result.ok, result.as_text()
    served = {place.rpartition("/")[2]: digest for place, digest in venue.served().items()}
    assert {name: digest for name, digest in served.items() if name in expected} == expected
    once(venue, expected)
    if isinstance(venue.server, Gitea) and venue.server.releases:
        published(venue.server)
    if isinstance(venue.server, GitHub):
        histogram[EMPTY] += len(expected.keys() - venue.server.breaks)
        finished(venue.server)


def artifacts(folder: Path, version: str) -> dict[str, str]:
    """Make packages that depend on one another in chains, and return file → sha256."""
    for number in range(FILES):
        depends = [f"package-{number - 1}"] if number % 3 else []
        package(folder, f"package-{number}", version, depends=depends, size=60_000)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.conda")}


def killed(venue: Venue, storm: Storm, folder: Path, *, after: int) -> int:
    """Publish in a process of its own, and kill it `after` that many further requests (files, for a folder).

    Return 1 if it was killed at work, 0 if it was done before.
    """

    def seen() -> int:
        return storm.requests or len(venue.served())

    document = {
        "targets": [venue.target],
        "environ": dict(venue.environ),
        "artifacts": str(folder / "artifacts"),
        "folder": str(folder),
    }
    ours = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    goal = seen() + after
    with subprocess.Popen(
        [sys.executable, "-m", "servers.publisher", json.dumps(document)],
        cwd=ROOT / "tests",
        env={**ours, "PYTHONPATH": str(ROOT / "tests")},
        stderr=subprocess.DEVNULL,
    ) as process:
        while seen() < goal and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        return int(process.wait() == -signal.SIGKILL)


def until_done(venue: Venue, folder: Path) -> PublishResult:
    """Run again as a maintainer would, while something is left."""
    paths = sorted((folder / "artifacts").glob("*.conda"))
    for _ in range(10):
        try:
            result = venues.run([venue], paths, folder, retry_policy=venues.STORMY, jobs=4)
        except FlowlockError:
            continue
        if result.ok:
            return result
    raise AssertionError("ten runs were not enough")


def once(venue: Venue, expected: dict[str, str]) -> None:
    """See that nothing was ever stored twice with different bytes under one name."""
    stored: dict[str, set[str]] = {}
    for place, digest in venue.writes():
        stored.setdefault(place.rpartition("/")[2], set()).add(digest)
    empty = hashlib.sha256(b"").hexdigest()
    for name, digest in expected.items():
        assert stored.get(name, {digest}) - {empty} == {digest}


def finished(server: GitHub) -> None:
    """See one public release with nothing but whole assets, and forget it for the next wave."""
    (release,) = [release for release in server.releases.values() if not release["draft"]]
    assert all(asset["state"] == "uploaded" for asset in server.assets.values())
    assert {ledger.FILE, ledger.SUMS} <= {asset["name"] for asset in server.assets.values()}
    assert release["tag_name"] == "v1.0.0"
    server.releases.clear()
    server.assets.clear()


def published(server: Gitea) -> None:
    """See one public release in which each name is there once, and forget it for the next wave."""
    (release,) = server.releases.values()
    names = [asset["name"] for asset in server.attachments.values()]
    assert len(names) == len(set(names))
    assert {ledger.FILE, ledger.SUMS} <= set(names)
    assert (release["tag_name"], release["draft"]) == ("v1.0.0", False)
    server.releases.clear()
    server.attachments.clear()
