"""The environment with ecoscope: its installation, the import of the task package, a run, its numbers."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench._measure import print_table
from bench.pipeline import flowlock
from flowlock import workspace
from flowlock.commands import locked_environment
from flowlock.commands.session import Profile, Session
from flowlock.edges import files
from flowlock.report.reporter import Silent

ROOT = Path(__file__).resolve().parent.parent
WORKFLOW = "subject-tracking"
COLD, UNPACKED, IMPORT, RUN, DIFFERENCE = 60.0, 3.0, 0.1, 15.0, 1e-9


def main() -> None:
    """Print each number beside its goal."""
    flowlock(ROOT, "sync", WORKFLOW)
    # What is downloaded is not measured.
    flowlock(ROOT, "run", WORKFLOW)
    session = Session(
        workspace=workspace.load(ROOT), profile=Profile.EMBEDDED, offline=True, progress=Silent()
    )
    state = session.workspace.state
    prefixes: list[Path] = []

    def install() -> None:
        with locked_environment.install(
            session, session.workspace.workflow(WORKFLOW), "default", frozen=True
        ) as environment:
            prefixes.append(environment.prefix)

    for kept in (state.unpacked_packages, state.bytecode, state.environments()):
        files.remove(kept)
    cold = _seconds(install)
    files.remove(state.environments())
    unpacked = _seconds(install)
    numbers = _numbers(prefixes[-1] / "bin/python")
    with tempfile.TemporaryDirectory() as folder:
        command = prefixes[-1] / f"bin/flowlock-{WORKFLOW}-workflow"
        params = ROOT / "examples" / WORKFLOW / "params.yaml"
        options: list[str | Path] = ["run", "--params", params, "--results", folder, "--no-cache"]
        before = os.times()
        warm = _seconds(lambda: subprocess.run([command, *options], check=True, capture_output=True))
        after = os.times()
    # On a busy machine a run waits; this is how long it works.
    worked = sum(after[2:4]) - sum(before[2:4])
    rows: list[tuple[object, ...]] = [
        ("install, nothing unpacked, seconds", cold, f"< {COLD}"),
        ("install, packages unpacked, seconds", unpacked, f"< {UNPACKED}"),
        ("import of the task package, seconds", numbers["import"], f"< {IMPORT}"),
        (f"run of {WORKFLOW}, installed, seconds", warm, f"< {RUN}"),
        ("the same, seconds of processor time", worked, ""),
        ("areas beside ecoscope's, relative difference", f"{numbers['difference']:.1e}", f"≤ {DIFFERENCE}"),
    ]
    print_table(("ecoscope", "measured", "goal"), rows)


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _numbers(python: Path) -> dict[str, float]:
    """Return the best of three imports, and the difference of areas."""
    # Without its folder on the path, where this module has the name of the package.
    script = Path(__file__).with_name("_ecoscope_numbers.py")
    runs = [
        json.loads(subprocess.run([python, "-P", script], check=True, stdout=subprocess.PIPE).stdout)
        for _ in range(3)
    ]
    return {"import": min(one["import"] for one in runs), "difference": runs[0]["difference"]}
