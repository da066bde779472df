"""The main job: compile per spec, `sync` with nothing to do, and `sync` from nothing (wheels at hand)."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench._measure import print_table, side_by_side
from flowlock.edges import git
from flowlock.edges.state_folder import StateFolder

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print seconds, and each beside the interpreter's own start with typer and pydantic imported."""
    with tempfile.TemporaryDirectory() as folder:
        # To compile everything, packages and so their locks are removed: from a copy of their own.
        copy, compiled = Path(folder, "workspace"), Path(folder, "compiled")
        clone(copy)
        clone(compiled)
        flowlock(copy, "sync")
        count = len(list((copy / "examples").glob("*/spec.yaml")))
        medians = side_by_side(
            {
                "start of Python, typer, pydantic": _floor,
                "compile, nothing to do": lambda: flowlock(copy, "compile"),
                "compile, all specs written": _compiling(compiled),
                "sync, nothing to do": lambda: flowlock(copy, "sync"),
            },
            repeat=5,
        )
        medians |= side_by_side({"sync, from nothing but wheels": _cold(copy)}, repeat=3)
    floor = medians["start of Python, typer, pydantic"]
    rows = [(name, value, value / floor) for name, value in medians.items()]
    written = medians["compile, all specs written"] - floor
    print_table(("pipeline", "seconds", "ratio"), rows)
    print(f"compile per spec above the floor: {1000 * written / count:.0f} ms")


def copy_sources(target: Path) -> None:
    """Copy what git lists of this repository into a repository of its own."""
    for name in git.source_files(ROOT):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    subprocess.run(["git", "init", "-q"], cwd=target, check=True)
    subprocess.run(["git", "add", "-A"], cwd=target, check=True)


def clone(target: Path) -> None:
    """Copy the source into a repository of its own, with the wheels that are here."""
    copy_sources(target)
    # So that the network is not measured.
    wheels = StateFolder.of(ROOT).wheels
    if wheels.is_dir():
        shutil.copytree(wheels, StateFolder.of(target).wheels)


def flowlock(root: Path, *command: str) -> None:
    """Run a command in the embedded profile."""
    argv: list[str | Path] = [
        sys.executable,
        "-m",
        "flowlock",
        "-C",
        root,
        "--profile",
        "embedded",
        "-q",
        *command,
    ]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def _floor() -> None:
    subprocess.run([sys.executable, "-c", "import typer, pydantic"], check=True)


def _compiling(root: Path) -> Callable[[], None]:
    def run() -> None:
        for package in (root / "examples").glob("*/flowlock-*-workflow"):
            shutil.rmtree(package)
        flowlock(root, "compile")

    return run


def _cold(root: Path) -> Callable[[], None]:
    def run() -> None:
        state = StateFolder.of(root)
        wheels = state.wheels
        wheels.rename(root / "wheels")
        shutil.rmtree(state.path)
        wheels.parent.mkdir(parents=True)
        (root / "wheels").rename(wheels)
        flowlock(root, "sync")

    return run
