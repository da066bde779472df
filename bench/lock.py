"""Locking: one process for all solves beside one process each, a whole `lock`, and `--check` of a large lock.

Needs the snapshot of conda-forge's metadata beside this checkout; says so where it is absent.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench._measure import print_table, side_by_side
from flowlock.lock import run
from flowlock.lock.manifest.model import Manifest, simple
from flowlock.lock.result import LockOptions, LockTarget
from flowlock.names import SUBDIRS
from flowlock.report.reporter import Silent

SNAPSHOT = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "conda-forge-snapshot"
WORKFLOWS = {
    "tables": ["python 3.12.*", "pandas", "pyarrow", "pydantic", "plotly"],
    "tables-test": ["python 3.12.*", "pandas", "pyarrow", "pydantic", "plotly", "pytest"],
    "maps": ["python 3.12.*", "pandas", "geopandas", "fastapi"],
    "maps-test": ["python 3.12.*", "pandas", "geopandas", "fastapi", "pytest"],
}
MANIFEST = """
[workspace]
name = "one"
channels = ["conda-forge"]
platforms = ["linux-64", "osx-arm64", "win-64"]

[dependencies]
python = "3.12.*"
pandas = "*"
pyarrow = "*"
plotly = "*"
fastapi = "*"
pytest = "*"
"""
PROCESSES_GOAL, ENGINE_GOAL, COMMAND_GOAL, CHECK_GOAL, RECORDS = 3.0, 1.5, 0.2, 0.5, 2500
# The same engine, given the same question, and nothing of ours: what a shell loop over examples would run.
BARE = """
import asyncio, json, sys, time
import rattler
from rattler.solver import solve_with_sparse_repodata
snapshot, subdir, specs, virtual = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
channel = rattler.Channel("conda-forge")
names = (subdir, "noarch")
data = [rattler.SparseRepoData(channel, name, f"{snapshot}/{name}/repodata.json") for name in names]
packages = []
for text in virtual:
    name, version, build = (text.split("=") + ["0"])[:3]
    packages.append(rattler.GenericVirtualPackage(
        rattler.PackageName(name), rattler.Version(version), rattler.package.build_string.BuildString(build)))
started = time.perf_counter()
asyncio.run(solve_with_sparse_repodata(
    [rattler.MatchSpec(spec) for spec in specs], data, virtual_packages=packages))
print(time.perf_counter() - started, flush=True)
# The interpreter must not end under the engine's threads: it crashes now and then.
time.sleep(0.01)
"""
# What an option costs in typer itself: it checks each with pydantic.
ONE_OPTION = """
import typer
from pathlib import Path
app = typer.Typer()
@app.command()
def command(path: Path = Path()) -> None: ...
app()
"""
CHECK = """
import sys
from pathlib import Path
from flowlock.lock import run
from flowlock.lock.manifest.model import simple
from flowlock.lock.result import LockOptions, LockTarget
from flowlock.names import SUBDIRS
from flowlock.report.reporter import Silent
import typer
wanted = simple("large", channels=["conda-forge"], platforms=SUBDIRS, specs=sys.argv[2:])
target = LockTarget(manifest=wanted, path=Path(sys.argv[1]), shown="pixi.lock")
result = run.lock([target], folders=[], own={}, options=LockOptions(check=True), progress=Silent())
assert result.ok, result.as_text()
"""


def main() -> None:
    """Print the tables."""
    if not SNAPSHOT.is_dir():
        print(f"skipped: {SNAPSHOT.name} is not there")
        return
    _solves()
    print()
    _command()
    print()
    _check()


def manifests() -> list[Manifest]:
    """Return the workflows' manifests: four on five platforms are 20 solves."""
    return [
        simple(name, channels=["conda-forge"], platforms=SUBDIRS, specs=specs)
        for name, specs in WORKFLOWS.items()
    ]


def _solves() -> None:
    wanted = manifests()
    solves = sum(len(manifest.platforms()) for manifest in wanted)
    in_engine: list[float] = []

    def processes() -> None:
        in_engine[:] = [
            float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for command in _bare_commands(wanted)
        ]

    medians = side_by_side({"one process each": processes, "flowlock lock": lambda: _lock(wanted)}, repeat=3)
    each, ours = medians["one process each"], medians["flowlock lock"]
    engine, cores = sum(in_engine), os.cpu_count() or 1
    rows = [
        ("one process each, bare engine", each, each / ours, f"≥ {PROCESSES_GOAL} times ours"),
        ("bare engine's solve time, summed", engine, ours / engine, f"ours ≤ {ENGINE_GOAL} times"),
        (f"the same divided by {cores} cores", engine / cores, ours * cores / engine, ""),
        ("flowlock lock, files written", ours, 1.0, ""),
    ]
    print_table((f"{solves} solves", "seconds", "ratio", "goal"), rows)


def _bare_commands(wanted: Sequence[Manifest]) -> list[list[str]]:
    return [
        [
            *(sys.executable, "-c", BARE, str(SNAPSHOT), platform.subdir),
            json.dumps([asked.spec for asked in manifest.environments[0].requirements[platform.name]]),
            json.dumps(platform.virtual_packages),
        ]
        for manifest in wanted
        for platform in manifest.platforms()
    ]


def _lock(wanted: Sequence[Manifest]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        targets = [
            LockTarget(manifest=manifest, path=Path(folder, f"{manifest.label}.lock"), shown=manifest.label)
            for manifest in wanted
        ]
        options = LockOptions(offline=True, repodata=(str(SNAPSHOT),))
        run.lock(targets, folders=[], own={}, options=options, progress=Silent())


def _command() -> None:
    """Compare `flowlock lock` of one manifest, from its start to its end, with a bare app."""
    with tempfile.TemporaryDirectory() as folder:
        manifest, place = Path(folder, "pixi.toml"), Path(folder, "pixi.lock")
        manifest.write_text(MANIFEST)
        bare = [sys.executable, "-c", "import typer; typer.Typer()"]
        ours = [sys.executable, "-m", "flowlock", "-q", "--offline", "lock", "--manifest-path", str(manifest)]

        def lock() -> None:
            place.unlink(missing_ok=True)
            subprocess.run([*ours, "--repodata", str(SNAPSHOT)], check=True, stdout=subprocess.DEVNULL)

        one_option = [sys.executable, "-c", ONE_OPTION]
        medians = side_by_side(
            {
                "bare typer app": lambda: subprocess.run(bare, check=True),
                "with one option": lambda: subprocess.run(one_option, check=True),
                "flowlock lock": lock,
            },
            repeat=7,
        )
        pins = place.read_text().count("      - conda: ")
    floor = medians["bare typer app"]
    rows = [
        ("bare typer app", floor, 0.0, ""),
        ("with one option", medians["with one option"], medians["with one option"] - floor, ""),
        (
            "flowlock lock",
            medians["flowlock lock"],
            medians["flowlock lock"] - floor,
            f"≤ {COMMAND_GOAL} above",
        ),
    ]
    print_table((f"lock of {pins} records", "seconds", "above", "goal"), rows)


def _check() -> None:
    specs = [
        *("python 3.12.*", "pandas", "geopandas", "fastapi", "pytest", "scipy", "scikit-learn", "httpx"),
        *("plotly", "pyarrow", "matplotlib-base", "opentelemetry-api", "cryptography", "rich", "requests"),
        *("nbformat", "pandera", "jsonschema", "obstore", "watchfiles", "prometheus_client", "numpy"),
    ]
    wanted = simple("large", channels=["conda-forge"], platforms=SUBDIRS, specs=specs)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "pixi.lock")
        options = LockOptions(offline=True, repodata=(str(SNAPSHOT),))
        target = LockTarget(manifest=wanted, path=place, shown="pixi.lock")
        run.lock([target], folders=[], own={}, options=options, progress=Silent())
        pins = place.read_text().count("      - conda: ")
        bare = [sys.executable, "-c", "import typer; typer.Typer()"]
        check = [sys.executable, "-c", CHECK, str(place), *specs]
        medians = side_by_side(
            {
                "bare typer app": lambda: subprocess.run(bare, check=True),
                "lock --check": lambda: subprocess.run(check, check=True),
            },
            repeat=7,
        )
    floor = medians["bare typer app"]
    above = medians["lock --check"] - floor
    rows = [
        ("bare typer app", floor, 0.0, ""),
        (f"lock --check of {pins} records", medians["lock --check"], above, f"≤ {CHECK_GOAL} above"),
        (f"the same for {RECORDS} records", floor + above * RECORDS / pins, above * RECORDS / pins, ""),
    ]
    print_table(("check", "seconds", "above", "goal"), rows)


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"({time.perf_counter() - started:.1f} s)")
