"""An installed environment, used again: beside a bare typer app, and beside making it."""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench._measure import print_table, side_by_side
from bench.pipeline import clone, flowlock


def main() -> None:
    """Print seconds of a run that has nothing to do, of its environment alone, and of making that."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "workspace")
        clone(copy)
        flowlock(copy, "sync")
        flowlock(copy, "run", "penguins")
        bare = Path(folder, "bare.py")
        bare.write_text("import typer\ntyper.run(lambda: None)\n")
        medians = side_by_side(
            {
                "bare typer app": lambda: subprocess.run([sys.executable, bare], check=True),
                "run --if-changed, nothing changed": lambda: flowlock(
                    copy, "run", "penguins", "--if-changed"
                ),
            },
            repeat=7,
        )
        medians["the environment, used again (in process)"] = _reuse(copy)
    rows = [(name, value) for name, value in medians.items()]
    print_table(("environment", "seconds"), rows)
    print("goal: an unchanged environment is used again in under 0.2 s")


def _reuse(root: Path) -> float:
    from flowlock import workspace
    from flowlock.commands import run
    from flowlock.commands.session import Profile, Session
    from flowlock.report.reporter import Silent

    session = Session(
        workspace=workspace.load(root), profile=Profile.EMBEDDED, offline=True, progress=Silent()
    )
    workflow = session.workspace.workflow("penguins")

    def reuse() -> None:
        with run.install(session, workflow, "default", frozen=True):
            pass

    return side_by_side({"reuse": reuse}, repeat=7)["reuse"]
