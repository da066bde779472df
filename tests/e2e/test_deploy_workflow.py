"""deploy.yml of new workspaces: its shell, run on this machine, and what its jobs are allowed to do."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowlock.commands.init import init
from flowlock.edges.forge import Forge


@pytest.fixture(params=Forge)
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    init(tmp_path / "birds", forge=request.param)
    text = (tmp_path / f"birds/.{request.param}/workflows/deploy.yml").read_text()
    return dict(yaml.safe_load(text)["jobs"])


def shell(script: str, folder: Path, **variables: str) -> str:
    """Run a script as a runner does; return its output file."""
    output = folder.parent / "output"
    output.write_text("")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder.parent),
        "GITHUB_OUTPUT": str(output),
        **variables,
    }
    subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environ, check=True)
    return output.read_text()


def commit(folder: Path, path: str) -> str:
    """Commit a new line in a file, and return the commit."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as stream:
        stream.write("line\n")
    named = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    subprocess.run(["git", *named, "commit", "-qm", path], cwd=folder, check=True)
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_merge_of_a_tag_alone_is_told_from_one_of_sources(jobs: dict[str, Any], tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", repository], check=True)
    first = commit(repository, "examples/hello/spec.yaml")
    sources = commit(repository, "examples/hello/spec.yaml")
    (step,) = [step for step in jobs["changes"]["steps"] if step.get("id") == "compare"]
    compare = step["run"]
    # Without a manifest there is nothing to deploy.
    assert shell(compare, repository, BEFORE=first, AFTER=sources) == "what=nothing\n"
    tag = commit(repository, "deploy/values.yaml")
    expected = {
        (first, sources): "sources",
        (sources, tag): "tag",
        (first, tag): "sources",
        ("0" * 40, tag): "sources",
    }
    for (before, after), what in expected.items():
        assert shell(compare, repository, BEFORE=before, AFTER=after) == f"what={what}\n"


def test_git_has_the_token_from_the_environment_and_no_file_has_it(
    jobs: dict[str, Any], tmp_path: Path
) -> None:
    steps = jobs["manifest"]["steps"]
    (setup,) = [step for step in steps if "credential.helper" in step.get("run", "")]
    (deploy,) = [step for step in steps if "flowlock deploy" in step.get("run", "")]
    (variable,) = deploy["env"].keys() & {"GITHUB_TOKEN", "GITEA_TOKEN"}
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", repository], check=True)
    planted = "planted-5d0c1b7a"
    shell(setup["run"], repository)
    asked = "printf 'protocol=https\\nhost=git.test\\n\\n' | git credential fill > \"$GITHUB_OUTPUT\""
    assert f"password={planted}\n" in shell(asked, repository, **{variable: planted})
    (tmp_path / "output").unlink()
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and planted.encode() in path.read_bytes()]
    assert kept == []


def test_each_job_has_only_the_rights_that_it_needs(jobs: dict[str, Any]) -> None:
    rights = {
        name: {right for right, level in job.get("permissions", {}).items() if level == "write"}
        for name, job in jobs.items()
    }
    assert rights.pop("image") == {"packages"}
    assert rights.pop("manifest") == {"contents", "pull-requests"}
    assert not any(rights.values())
