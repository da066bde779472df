"""Locks on real metadata, and read and installed by a client that we did not write."""

import functools
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conda_package_handling import api as archives

from flowlock.edges.local_server import QuietHandler
from flowlock.lock import run
from flowlock.lock.lockfile import document
from flowlock.lock.lockfile.export import export
from flowlock.lock.lockfile.forms import ExportKind
from flowlock.lock.manifest import pixi
from flowlock.lock.manifest.model import GeneratedFeature, channel_url, generated, simple
from flowlock.lock.result import LockOptions, LockTarget
from flowlock.lock.satisfy import CurrentBuild
from flowlock.lock.solver.sources import ChannelFolder
from flowlock.names import SUBDIRS
from flowlock.report.reporter import Silent
from shared import SNAPSHOT, needs_snapshot
from unit.lock.universe import RELEASE, channel, current, package

CORE = current("0.1.0", "pyh11111111_0")
FLOW = current("0.1.0", "pyh22222222_0")
SPECS = ["python 3.12.*", "pandas", "geopandas", "fastapi", "pytest"]

CLIENT = """
import asyncio, hashlib, json, sys, urllib.request
import rattler
from rattler.explicit_environment import ExplicitEnvironmentSpec

lock, explicit, prefix, cache = sys.argv[1:]
environment = rattler.LockFile.from_path(lock).default_environment()
(platform,) = environment.platforms()
records = environment.conda_repodata_records_for_platform(platform)
asyncio.run(rattler.install(records, target_prefix=prefix, cache_dir=cache, show_progress=False))
for entry in ExplicitEnvironmentSpec.from_path(explicit).packages:
    url, _, digest = entry.url.partition("#sha256:")
    assert hashlib.sha256(urllib.request.urlopen(url).read()).hexdigest() == digest
print(json.dumps(sorted(record.name.normalized for record in records)))
"""


def workflow_target(place: Path, name: str = "demo") -> LockTarget:
    """Return the target of a workflow as it is committed: two environments, five platforms."""
    test = GeneratedFeature(name="test", dependencies={"pytest": "*"}, tasks={})
    text = generated(
        f"flowlock-{name}-workflow",
        "0.1.0",
        channels=[RELEASE, "conda-forge"],
        platforms=SUBDIRS,
        tasks={},
        features=[test],
    )
    return LockTarget(manifest=pixi.read(text, "pixi.toml", label=name), path=place, shown=place.name)


def our_builds(folder: Path, core: CurrentBuild) -> ChannelFolder:
    packages = [
        package("flowlock-core", "0.1.0", "python >=3.11", "pandas", "pydantic", build=core.artifact.build),
        package(
            "flowlock-demo-workflow",
            "0.1.0",
            "python >=3.11",
            "flowlock-core >=0.1.0",
            build=FLOW.artifact.build,
        ),
    ]
    return channel(folder, RELEASE, packages, serves=True)


def own(core: CurrentBuild) -> dict[str, CurrentBuild]:
    return {"flowlock-core": core, "flowlock-demo-workflow": FLOW}


@needs_snapshot
def test_a_workflow_locks_for_all_platforms_and_an_edit_moves_only_its_lines(tmp_path: Path) -> None:
    target = workflow_target(tmp_path / "pixi.lock")
    first = our_builds(tmp_path / "first", CORE)
    options = LockOptions(offline=True, repodata=(str(SNAPSHOT),))
    run.lock([target], folders=[first], own=own(CORE), options=options, progress=Silent())
    before = target.path.read_text()
    lock = document.read(before, "pixi.lock")
    assert set(lock.environments) == {"default", "test"}
    assert all(set(pins.packages) == set(SUBDIRS) for pins in lock.environments.values())
    for forbidden in ("file://", str(tmp_path), str(SNAPSHOT), "indexed_timestamp"):
        assert forbidden not in before
    assert {record.channel for _, _, record in lock.records()} == {
        RELEASE,
        "https://conda.anaconda.org/conda-forge",
    }

    edited = current("0.1.0", "pyh33333333_0", why="flowlock_core/task.py changed")
    check = LockOptions(check=True)
    stale = run.lock([target], folders=[], own=own(edited), options=check, progress=Silent())
    assert len(stale.locks[0].reasons) == len(SUBDIRS) * 2
    assert "demo/test/osx-arm64: flowlock-core is pinned to pyh11111111_0, but the source is now" in (
        stale.as_text()
    )
    assert target.path.read_text() == before

    second = our_builds(tmp_path / "second", edited)
    offline = LockOptions(offline=True)
    run.lock([target], folders=[second], own=own(edited), options=offline, progress=Silent())
    old, new = set(before.splitlines()), set(target.path.read_text().splitlines())
    moved = [line for line in new - old if "pyh33333333" not in line]
    assert all(line.startswith("  sha256: ") for line in moved)
    assert len(moved) == 1
    assert run.lock([target], folders=[second], own=own(edited), options=check, progress=Silent()).ok


@needs_snapshot
def test_the_sets_do_not_depend_on_order_jobs_or_earlier_failures(tmp_path: Path) -> None:
    texts = set()
    for number, jobs in enumerate((1, 2, 5)):
        place = tmp_path / f"{number}.lock"
        order = SPECS[number:] + SPECS[:number]
        wanted = simple("demo", channels=["conda-forge"], platforms=SUBDIRS, specs=order)
        impossible = simple("demo", channels=["conda-forge"], platforms=SUBDIRS, specs=[*order, "python 2"])
        options = LockOptions(offline=True, repodata=(str(SNAPSHOT),), jobs=jobs)
        with pytest.raises(Exception, match="no solution"):
            run.lock(
                [LockTarget(manifest=impossible, path=place, shown="x")],
                folders=[],
                own={},
                options=options,
                progress=Silent(),
            )
        target = LockTarget(manifest=wanted, path=place, shown="x")
        run.lock([target], folders=[], own={}, options=options, progress=Silent())
        texts.add(place.read_text())
    assert len(texts) == 1


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ChannelFolder]:
    """Serve a channel of two real archives over HTTP; yield it as the folder that stands for its URL."""
    folder = tmp_path / "chännel"
    entries = [_archive(tmp_path, folder, "base", []), _archive(tmp_path, folder, "app", ["base >=1"])]
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield channel(folder, f"http://127.0.0.1:{server.server_port}", entries, serves=True)
        finally:
            server.shutdown()
            thread.join()


class _Quiet(QuietHandler, SimpleHTTPRequestHandler):
    """Serves a folder."""


def _archive(scratch: Path, folder: Path, name: str, depends: list[str]) -> dict[str, object]:
    tree = scratch / name
    index = {
        "name": name,
        "version": "1.0",
        "build": "h0_0",
        "build_number": 0,
        "depends": depends,
        "subdir": "noarch",
        "noarch": "generic",
    }
    content = f"I am {name}\n".encode()
    path = {
        "_path": f"share/{name}.txt",
        "path_type": "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }
    written = {
        f"share/{name}.txt": content,
        "info/index.json": json.dumps(index).encode(),
        "info/paths.json": json.dumps({"paths": [path], "paths_version": 1}).encode(),
        "info/files": f"share/{name}.txt\n".encode(),
    }
    for relative, data in written.items():
        (tree / relative).parent.mkdir(parents=True, exist_ok=True)
        (tree / relative).write_bytes(data)
    target = folder / "noarch" / f"{name}-1.0-h0_0.conda"
    target.parent.mkdir(parents=True, exist_ok=True)
    archives.create(str(tree), list(written), str(target))
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    return {**index, "sha256": digest, "size": target.stat().st_size, "timestamp": 1_793_491_200_000}


def test_a_client_that_we_did_not_write_installs_what_we_lock(tmp_path: Path, served: ChannelFolder) -> None:
    place, explicit, prefix = (tmp_path / name for name in ("pixi.lock", "explicit.txt", "a prefix"))
    wanted = simple("demo", channels=[channel_url(served.url)], platforms=["linux-64"], specs=["app"])
    target = LockTarget(manifest=wanted, path=place, shown="pixi.lock")
    run.lock([target], folders=[served], own={}, options=LockOptions(offline=True), progress=Silent())
    lock = document.read(place.read_text(), "pixi.lock")
    text = export(ExportKind.EXPLICIT, lock, environment="default", platform="linux-64", name="demo").text
    explicit.write_text(text)

    done = subprocess.run(
        [sys.executable, "-c", CLIENT, place, explicit, prefix, tmp_path / "cache"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["app", "base"]
    assert (prefix / "share" / "app.txt").read_text() == "I am app\n"
    assert (prefix / "conda-meta" / "base-1.0-h0_0.json").is_file()
