"""Builds: a no-op of 3, 30 and 300 packages; the src packages cold, with 1 and 2 jobs; one edit.

Builds are beside the naive way, a loop that lets the same engine build every recipe again, one by one.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench._measure import print_table, side_by_side
from bench.pipeline import copy_sources
from flowlock.base import channel as base
from flowlock.builder.plan.order import graph_of
from flowlock.builder.plan.result import BuildStatus
from flowlock.builder.plan.snapshot import read_snapshot
from flowlock.builder.plan.targets import targets
from flowlock.builder.run import build
from flowlock.builder.vendor import fetch
from flowlock.conda.closure import closure
from flowlock.edges.state_folder import StateFolder
from flowlock.report.reporter import Silent
from flowlock.workspace import Workspace, load

# Seconds above the bare app; the naive loop's time for that of a cold build; seconds.
NO_OP_GOAL, LOOP_GOAL, EDIT_GOAL = 0.1, 3, 1.3
ROOT = Path(__file__).resolve().parent.parent
RECIPE = """
package: {{name: {name}, version: '1.0'}}
source: {{path: ../../src/{name}}}
build: {{noarch: generic, script: ['mkdir -p "$PREFIX/share" && cp data.txt "$PREFIX/share/{name}.txt"']}}
"""
BARE = "import typer; app = typer.Typer(); app.command()(lambda: None); app(standalone_mode=False)"
# What workflow monorepos do today: one engine process a recipe, pip as installer, no memory.
NAIVE = """
import sys
from rattler_build import Stage0Recipe, ToolConfiguration
Stage0Recipe.from_file(sys.argv[1]).run_build(
    tool_config=ToolConfiguration(test_strategy="skip"), output_dir=sys.argv[2], channels=[sys.argv[3]]
)
"""
# A whole process that finds every package current, with a channel of our own choice for the builds.
CURRENT = """
import sys
from pathlib import Path
from flowlock.builder.plan.result import BuildStatus
from flowlock.builder.plan.snapshot import read_snapshot
from flowlock.builder.run import build
from flowlock.report.reporter import Silent
from flowlock.workspace import load
snapshot = read_snapshot(load(Path(sys.argv[1])), sys.argv[3:])
done = build(snapshot, environments=[sys.argv[2]], progress=Silent())
assert {package.status for package in done.packages} == {BuildStatus.CURRENT}
"""


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        no_op(root)
        cold(root)


def no_op(root: Path) -> None:
    """Compare a build that finds everything current with a bare command of the same framework."""
    candidates: dict[str, Callable[[], object]] = {"bare typer app": lambda: python(BARE)}
    for count in (3, 30, 300):
        workspace = many(root / f"many-{count}", count)
        # The second one keeps digests of what the first one wrote, and the third one its outcome.
        for _ in range(3):
            command("-C", workspace, "build")
        candidates[f"no-op build of {count}"] = partial(command, "-C", workspace, "build")
        candidates[f"no-op build of {count}, all read again"] = partial(forgetful, workspace)
    found = side_by_side(candidates, repeat=7)
    bare = found["bare typer app"]
    goals = {"no-op build of 3": f"≤ {NO_OP_GOAL}"}
    print_table(
        ["no-op build", "seconds", "above the bare app", "goal"],
        [[name, seconds, seconds - bare, goals.get(name, "")] for name, seconds in found.items()],
    )


def forgetful(workspace: Path) -> None:
    """Build without the last outcome."""
    shutil.rmtree(StateFolder.of(workspace).last_outcomes)
    command("-C", workspace, "build")


def cold(root: Path) -> None:
    """Compare building the src packages from nothing, with one job and two, and the naive loop."""
    copy_sources(root / "copy")
    workspace = load(root / "copy")
    names = closure(
        [str(package.name) for package in workspace.packages], dependencies(workspace).__getitem__
    )
    pins = [pin.replace(" ", "") for pin in (workspace.build_backend, workspace.build_installer)]
    made = base.make(workspace, [*pins, "pip"], offline=False, progress=Silent())
    channel = made.folder.as_uri()
    recipes = [naive_recipe(workspace, name, root / "naive") for name in names]
    edited_recipe = [recipes[names.index(workspace.packages[0].name)]]
    # Python and the build tools are unpacked once for all, before anything is measured.
    fresh(workspace, names, channel, jobs=1)
    found = side_by_side(
        {
            "flowlock, 1 job": partial(fresh, workspace, names, channel, jobs=1),
            "flowlock, 2 jobs": partial(fresh, workspace, names, channel, jobs=2),
            "flowlock, one edit": partial(edited, workspace, names, channel),
            "flowlock, nothing to do": partial(python, CURRENT, workspace.root, channel, *names),
            "naive loop": partial(naive, recipes, root / "naive" / "out", channel),
            "naive, of the edited package": partial(naive, edited_recipe, root / "naive" / "out", channel),
        },
        repeat=5,
    )
    loop = found["naive loop"]
    goals = {"flowlock, 2 jobs": f"naive ≥ {LOOP_GOAL} times", "flowlock, one edit": f"≤ {EDIT_GOAL} s"}
    print_table(
        [f"build of {len(names)} packages", "seconds", "naive / this", "goal"],
        [[name, seconds, loop / seconds, goals.get(name, "")] for name, seconds in found.items()],
    )


def dependencies(workspace: Workspace) -> dict[str, frozenset[str]]:
    """Return which package of the workspace needs which."""
    return graph_of({key: target.recipe for key, target in targets(workspace).items()})


def fresh(workspace: Workspace, names: Sequence[str], channel: str, *, jobs: int) -> None:
    """Build from an empty cache and channel; unpacked build tools are kept, as the naive loop keeps them."""
    shutil.rmtree(workspace.state.artifacts, ignore_errors=True)
    build(read_snapshot(workspace, names), environments=[channel], jobs=jobs, progress=Silent())


def edited(workspace: Workspace, names: Sequence[str], channel: str) -> None:
    """Append a line to one package and build all."""
    readme = workspace.packages[0].folder / "README.md"
    readme.write_text(readme.read_text() + "\nAn edit.\n")
    built = build(read_snapshot(workspace, names), environments=[channel], progress=Silent()).packages
    assert [one.name for one in built if one.status is BuildStatus.BUILT] == [workspace.packages[0].name]


def naive_recipe(workspace: Workspace, name: str, folder: Path) -> Path:
    """Write a package's recipe as it is commonly written: pip installs, and pip is a host requirement."""
    target = targets(workspace)[name]
    host = ["python", "pip", workspace.build_backend]
    source, what = {"path": str(target.folder), "use_gitignore": True}, "."
    if target.download is not None:
        wheel = fetch(workspace, target.download, offline=False, progress=Silent())
        source, what = {"path": str(wheel.parent)}, wheel.name
    document = {
        **target.recipe.document,
        "source": source,
        "build": {
            **target.recipe.document["build"],
            "script": [f"${{{{ PYTHON }}}} -m pip install {what} --no-deps --no-build-isolation -q"],
        },
        "requirements": {**target.recipe.document["requirements"], "host": host},
    }
    path = folder / name / "recipe.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document))
    return path


def naive(recipes: Sequence[Path], output: Path, channel: str) -> None:
    """Build each recipe in turn."""
    for recipe in recipes:
        python(NAIVE, recipe, output, channel)


def many(root: Path, count: int) -> Path:
    """Make a workspace of so many tiny packages."""
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    shutil.copy(ROOT / "flowlock.toml", root)
    for number in range(count):
        name = f"package-{number}"
        for folder in (root / "src" / name, root / "recipes" / name):
            folder.mkdir(parents=True)
        (root / "src" / name / "pyproject.toml").write_text("")
        (root / "src" / name / "data.txt").write_text(name)
        (root / "recipes" / name / "recipe.yaml").write_text(RECIPE.format(name=name))
    return root


def command(*arguments: object) -> None:
    """Run flowlock in a process of its own."""
    argv = [sys.executable, "-m", "flowlock", "-q", *map(str, arguments)]
    subprocess.run(argv, check=True, capture_output=True)


def python(code: str, *arguments: object) -> None:
    """Run code in a process of its own."""
    subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True, capture_output=True)
