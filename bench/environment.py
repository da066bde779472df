"""An installed environment, used again: beside a bare typer app, and beside making it."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench._measure import Cost, costs_side_by_side, print_table
from bench.pipeline import clone, flowlock

BARE, NOTHING = "bare typer app", "run --if-changed, nothing changed"
FIRST, SECOND, REUSED = (f"the environment, {how}" for how in ("made first", "made again", "used again"))
GOALS = {FIRST: "< 5", SECOND: "< 1", REUSED: "< 0.2"}


def main() -> None:
    """Print what a run that has nothing to do takes, its environment alone, and the making of that."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "workspace")
        clone(copy)
        flowlock(copy, "sync")
        flowlock(copy, "run", "penguins")
        bare = Path(folder, "bare.py")
        bare.write_text("import typer\ntyper.run(lambda: None)\n")
        making, before = _making(copy)
        candidates = {
            BARE: lambda: subprocess.run([sys.executable, bare], check=True),
            NOTHING: lambda: flowlock(copy, "run", "penguins", "--if-changed"),
            **making,
        }
        costs = costs_side_by_side(candidates, repeat=7, before=before)
    floor = costs[BARE]
    header = ("environment", "seconds", "goal", "ratio", "processor seconds", "ratio")
    print_table(header, [_row(name, cost, floor) for name, cost in costs.items()])


def _row(name: str, cost: Cost, floor: Cost) -> tuple[object, ...]:
    seconds, processor = cost.seconds, cost.processor
    goal = GOALS.get(name, "")
    return name, seconds, goal, seconds / floor.seconds, processor, processor / floor.processor


def _making(root: Path) -> tuple[dict[str, Callable[[], object]], dict[str, Callable[[], object]]]:
    """Return calls that make an environment without and with what is kept, and that reuse it.

    Also what comes before each: the removal of what the last turn made is not part of making.
    """
    from flowlock import workspace
    from flowlock.commands import locked_environment
    from flowlock.commands.session import Profile, Session
    from flowlock.edges import files
    from flowlock.report.reporter import Silent

    session = Session(
        workspace=workspace.load(root), profile=Profile.EMBEDDED, offline=True, progress=Silent()
    )
    workflow = session.workspace.workflow("penguins")
    state = session.workspace.state

    def install() -> None:
        with locked_environment.install(session, workflow, "default", frozen=True):
            pass

    def remove_environment() -> None:
        files.remove(state.environments())

    def remove_all() -> None:
        for kept in (state.unpacked_packages, state.bytecode):
            files.remove(kept)
        remove_environment()

    calls: dict[str, Callable[[], object]] = {FIRST: install, SECOND: install, REUSED: install}
    return calls, {FIRST: remove_all, SECOND: remove_environment}
