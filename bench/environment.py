"""An installed environment, used again: beside a bare typer app, and beside making it."""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench._measure import print_table, side_by_side
from bench.pipeline import clone, flowlock
from flowlock.edges import files


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
        medians |= _made_and_reused(copy)
    rows = [(name, value) for name, value in medians.items()]
    print_table(("environment", "seconds"), rows)
    print("goals: used again in under 0.2 s; made the second time in under 1 s, the first time in under 5 s")


def _made_and_reused(root: Path) -> dict[str, float]:
    """Return the medians of creating an environment without and with what is kept, and of its reuse."""
    from flowlock import workspace
    from flowlock.commands import run
    from flowlock.commands.session import Profile, Session
    from flowlock.report.reporter import Silent

    session = Session(
        workspace=workspace.load(root), profile=Profile.EMBEDDED, offline=True, progress=Silent()
    )
    workflow = session.workspace.workflow("penguins")
    state = session.workspace.state

    def reuse() -> None:
        with run.install(session, workflow, "default", frozen=True):
            pass

    def make_again() -> None:
        files.remove(state.environments())
        reuse()

    def make_from_archives() -> None:
        for kept in (state.unpacked_packages, state.bytecode):
            files.remove(kept)
        make_again()

    return side_by_side(
        {
            "the environment, made the first time": make_from_archives,
            "the environment, made the second time": make_again,
            "the environment, used again": reuse,
        },
        repeat=5,
    )
