"""Compiles and runs published specs as they stand: python -m tools.published_specs CHECKOUT.

CHECKOUT is a checkout of that repository (tag v0.0.11); nothing of it is copied into this one. Two packages
without code stand for those that the specs require, and register our tasks under their names. The specs run
with mocked input: the example that the checkout has for a task, or else that of our package.
"""

import argparse
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import run
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = ROOT / "src/flowlock-ext-ecoscope"
TASKS = "src/ecoscope-workflows-ext-ecoscope/ecoscope_workflows_ext_ecoscope/tasks"
PUBLISHED = "flowlock_ext_ecoscope.compat.published"
CORE = {name: f"{PUBLISHED}:{name}" for name in ("split_groups", "persist_text", "gather_dashboard")}
WORKSPACE = """[workspace]
name = "published"
version = "0.1.0"
epoch = 2026-11-01T00:00:00Z
platforms = ["linux-64"]
packages = "src"
recipes = "recipes"
workflows = "examples"

[channels]
release = "https://prefix.dev/flowlock"
others = ["conda-forge"]

[channels.aliases]
"file:///tmp/ecoscope-workflows/release/artifacts/" = "https://prefix.dev/flowlock"

[build]
backend = "hatchling ==1.30.1"
installer = "uv ==0.11.21"
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Compile and run all specs; return 1 if one fails."""
    parser = argparse.ArgumentParser(prog="python -m tools.published_specs", description=__doc__)
    parser.add_argument("checkout", type=Path, help="a checkout of ecoscope-workflows, tag v0.0.11")
    default = ROOT / ".parts/ecoscope/bin/python"
    parser.add_argument("--python", type=Path, default=default, help="a Python with flowlock-ext-ecoscope")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="published specs ") as folder:
        workspace = Path(folder).resolve()
        names = write_workspace(workspace, options.checkout)
        compiled = run([sys.executable, "-m", "flowlock", "-C", workspace, "-q", "compile"], check=False)
        if not names or compiled.returncode:
            return 1
        print(f"compiled: {', '.join(names)}", flush=True)
        ended = [run_spec(workspace, name, options.python) for name in names]
    return int(any(ended))


def write_workspace(workspace: Path, checkout: Path) -> list[str]:
    """Write a workspace with the specs of a checkout, and a test case for each; return their names."""
    (workspace / "flowlock.toml").write_text(WORKSPACE)
    project = tomllib.loads((EXTENSION / "pyproject.toml").read_text())["project"]
    tasks = project["entry-points"]["flowlock.tasks"]
    write_package(workspace, "ecoscope-workflows-core", CORE)
    write_package(workspace, "ecoscope-workflows-ext-ecoscope", tasks)
    module = EXTENSION / "flowlock_ext_ecoscope"
    shutil.copytree(module, workspace / "src/ecoscope-workflows-core" / module.name)
    sources = sorted(path.parent for path in checkout.glob("examples/*/spec.yaml"))
    for source in sources:
        target = workspace / "examples" / source.name
        target.mkdir(parents=True)
        (target / "spec.yaml").write_bytes((source / "spec.yaml").read_bytes())
        published = yaml.safe_load((source / "test-cases.yaml").read_text())
        spec = yaml.safe_load((source / "spec.yaml").read_text())
        case = case_of(published["test1"], dict(mocks_of(spec, checkout)))
        (target / "test-cases.yaml").write_text(yaml.safe_dump({"published": case}))
    return [source.name for source in sources]


def write_package(workspace: Path, name: str, tasks: Mapping[str, str]) -> None:
    """Write a package without code that registers tasks of other packages."""
    folder = workspace / "src" / name
    folder.mkdir(parents=True)
    lines = [f'{task} = "{target}"' for task, target in tasks.items()]
    head = f'[project]\nname = "{name}"\nversion = "0.0.11"\n\n[project.entry-points."flowlock.tasks"]\n'
    (folder / "pyproject.toml").write_text(head + "\n".join(lines) + "\n")


def mocks_of(spec: Mapping[str, Any], checkout: Path) -> Iterator[tuple[str, str]]:
    """Yield the steps with input whose task has an example in the checkout, with its path."""
    steps = [step for member in spec["workflow"] for step in member.get("tasks", [member])]
    for step in steps:
        name = f"{step['task'].replace('_', '-')}.example-return.parquet"
        for path in checkout.joinpath(TASKS, "io").glob(name):
            yield step["id"], str(path)


def case_of(published: Mapping[str, Any], mocks: Mapping[str, str]) -> dict[str, Any]:
    """Return a test case of flowlock with the parameters of a published one."""
    params = {step: values for step, values in published["params"].items() if values}
    (page,) = [values for values in params.values() if {"title", "description"} <= values.keys()]
    expected = {"type": "dashboard", "title": page["title"], "description": page["description"]}
    return {"params": params, "mocks": dict(mocks), "expect": expected}


def run_spec(workspace: Path, name: str, python: Path) -> int:
    """Run the test case of a compiled spec; return its exit code."""
    (package,) = (workspace / "examples" / name).glob("*-workflow")
    module = package.name.replace("-", "_")
    cases = workspace / "examples" / name / "test-cases.yaml"
    environment = {"PYTHONPATH": str(package), "ECOSCOPE_WORKFLOWS_RESULTS": str(workspace / "results")}
    print(f"{name}:", flush=True)
    return run([python, "-m", module, "test", cases], check=False, env=environment).returncode


if __name__ == "__main__":
    raise SystemExit(main())
