"""Workspaces of small packages for the real engine, and a base channel with no more than the build tools."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from flowlock.base import channel as base
from flowlock.base import interpreter
from flowlock.builder.plan.result import BuildResult
from flowlock.builder.plan.snapshot import read_snapshot
from flowlock.builder.run import build
from flowlock.edges.state_folder import StateFolder
from flowlock.recipe.render import SCRIPT
from flowlock.report.reporter import Silent
from flowlock.workspace import load
from shared import once

SETTINGS = """
[workspace]
name = "small"
version = "1.0"
epoch = 2026-11-01T00:00:00Z
platforms = ["linux-64"]
[channels]
release = "https://example.org/small"
[build]
backend = "hatchling ==1.30.1"
installer = "uv ==0.11.21"
"""
THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHER_PYTHON = "3.12" if THIS_PYTHON != "3.12" else "3.11"
PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "{name}"
version = "1.0"
description = "A small package"
requires-python = ">=3.11"
license = "BSD-3-Clause"
license-files = ["LICENSE"]
[project.scripts]
{name} = "{module}:main"
[tool.hatch.build.targets.wheel]
packages = ["{module}"]
"""
ENTER = (
    "import os, sys; from pathlib import Path; from flowlock.builder.run import build; "
    "from flowlock.builder.plan.snapshot import read_snapshot; "
    "from flowlock.report.reporter import Silent; from flowlock.workspace import load; "
    "os.umask(int(sys.argv[3], 8)); "
    "snapshot = read_snapshot(load(Path(sys.argv[1]))); "
    "build(snapshot, environments=[sys.argv[2]], jobs=int(sys.argv[4]), progress=Silent())"
)


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


class Small:
    """A workspace of small packages."""

    def __init__(self, root: Path, channel: str) -> None:
        self.root, self.channel_url = root, channel
        root.mkdir(parents=True)
        git(root, "init", "-q")
        (root / "flowlock.toml").write_text(SETTINGS)
        (root / ".gitattributes").write_text("* text=auto\n")
        (root / ".gitignore").write_text(".flowlock/\n")

    @property
    def state(self) -> StateFolder:
        return StateFolder.of(self.root)

    @property
    def packages(self) -> Path:
        """Where the engine keeps unpacked packages."""
        return self.state.workers / "packages"

    def share_packages(self) -> None:
        """Begin with links to Python and the build tools as they were unpacked beside their channel."""
        shared = unpacked_beside(self.channel_url)
        if shared.is_dir() and not self.packages.exists():
            shutil.copytree(shared, self.packages, copy_function=os.link, symlinks=True)

    def add(self, name: str, *, needs: str = "", host: str = "", script: str = "") -> Path:
        """Add a package and return its folder."""
        self.share_packages()
        module = name.replace("-", "_")
        folder = self.root / "src" / name
        (folder / module).mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PYPROJECT.format(name=name, module=module))
        (folder / "LICENSE").write_text("Free for all.\n")
        (folder / module / "__init__.py").write_text(f'def main():\n    print("{name}")\n')
        recipe: dict[str, Any] = {
            "context": {"version": "1.0"},
            "package": {"name": name, "version": "${{ version }}"},
            "source": {"path": f"../../src/{name}"},
            "build": {
                "number": 0,
                "noarch": "python",
                "python": {"entry_points": [f"{name} = {module}:main"]},
                "script": [*([script] if script else []), SCRIPT],
            },
            "requirements": {
                "host": ["python >=3.11", "hatchling ==1.30.1", "uv ==0.11.21", *host.split()],
                "run": ["python >=3.11", *needs.split()],
            },
            "about": {"license": "BSD-3-Clause", "license_file": ["LICENSE"], "summary": "A small package"},
        }
        self.write_recipe(name, recipe)
        return folder

    def add_data(self, name: str, text: str = "one", *, script: str = "") -> Path:
        """Add a package of one file, which is built without any environment, and return its folder."""
        folder = self.root / "src" / name
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text("")
        (folder / "data.txt").write_text(text)
        copy = f'mkdir -p "$PREFIX/share" && cp data.txt "$PREFIX/share/{name}.txt"'
        recipe = {
            "package": {"name": name, "version": "1.0"},
            "source": {"path": f"../../src/{name}"},
            "build": {"noarch": "generic", "script": [*([script] if script else []), copy]},
        }
        self.write_recipe(name, recipe)
        return folder

    def write_recipe(self, name: str, recipe: dict[str, Any], **style: Any) -> None:
        path = self.root / "recipes" / name / "recipe.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(recipe, **{"indent": 2, **style}))

    def recipe(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self.root / "recipes" / name / "recipe.yaml").read_text()))

    def build(self, *names: str, **options: Any) -> BuildResult:
        return build(
            read_snapshot(load(self.root), names),
            environments=[self.channel_url],
            progress=Silent(),
            **options,
        )

    def reasons(self) -> dict[str, str]:
        return {one.name: one.reason or one.status for one in self.build(dry_run=True).packages}

    def contents(self) -> dict[str, str]:
        folder = self.state.channel
        files = (path for path in folder.rglob("*") if path.is_file())
        return {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    def leftovers(self) -> list[Path]:
        """Return what workers, and the channels made for them, left."""
        working = [self.state.build_channels, self.state.second_builds]
        return [*filter(Path.exists, working), *self.state.workers.glob("worker-*")]

    def archives(self) -> list[Path]:
        return sorted(self.state.channel.rglob("*.conda"))

    def process(self, *, python: str = sys.executable, umask: str = "022", jobs: int = 2) -> list[str]:
        return [python, "-c", ENTER, str(self.root), self.channel_url, umask, str(jobs)]


def make_base(folder: Path, python: Path | None = None) -> str:
    """Return the URL of a channel with Python and the build tools."""
    workspace = folder / "base"
    workspace.mkdir()
    (workspace / "flowlock.toml").write_text(SETTINGS)
    made = base.make(
        load(workspace),
        ["hatchling==1.30.1", "uv==0.11.21"],
        python=python,
        offline=False,
        progress=Silent(),
    )
    return made.folder.as_uri()


def unpacked_beside(channel: str) -> Path:
    return Path(url2pathname(urlsplit(channel).path)).parent / "packages"


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> str:
    def make(folder: Path) -> None:
        channel = make_base(folder)
        first = Small(folder / "first", channel)
        first.add("first")
        first.build()
        first.packages.rename(unpacked_beside(channel))
        (folder / "url").write_text(channel)

    return (once(tmp_path_factory, "build-tools", make) / "url").read_text()


@pytest.fixture(scope="session")
def other_tools(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a channel as `tools`, with another Python."""
    python = another_python(OTHER_PYTHON)
    if python is None:
        # Not a part that `make test-parts` could install: a system has one series of Python.
        pytest.skip(f"there is no Python {OTHER_PYTHON} here that can be packed")

    def make(folder: Path) -> None:
        (folder / "url").write_text(make_base(folder, python))

    return (once(tmp_path_factory, "other-build-tools", make) / "url").read_text()


@pytest.fixture
def small(tmp_path: Path, tools: str) -> Small:
    return Small(tmp_path / "a spâce", tools)


def another_python(version: str) -> Path | None:
    """Return a Python that can be packed: on the PATH, or installed beside ours as pyenv and uv do."""
    beside = Path(sys.base_prefix).parent.glob(f"*{version}*/bin/python{version}")
    named = shutil.which(f"python{version}")
    for path in [*beside, *([Path(named)] if named else [])]:
        works = subprocess.run([path, "--version"], check=False, capture_output=True).returncode == 0
        if works and not interpreter.problems(path):
            return path
    return None


def processes() -> str:
    """Return the arguments of every process of this machine in full, those in sandboxes too."""
    return subprocess.run(["ps", "-eww", "-o", "args"], check=True, capture_output=True, text=True).stdout
