"""`flowlock init`: a workspace whose task, spec and test cases fit together from the first moment."""

import json
import os
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from flowlock import workspace
from flowlock.commands.check import check
from flowlock.commands.compile import compile_workflows
from flowlock.commands.init import BACKEND, INSTALLER, init
from flowlock.edges.forge import Forge
from flowlock.errors import FlowlockError
from flowlock.release.targets import make
from flowlock.release.targets.protocol import Context
from flowlock.report.reporter import Format, Silent
from flowlock.scaffold.editors import Editor
from shared import ROOT

TODAY = datetime(2026, 11, 1, tzinfo=UTC)


def test_the_new_workspace_compiles_tests_and_runs(tmp_path: Path) -> None:
    root = tmp_path / "a b é" / "new-space"
    result = init(root, today=TODAY)
    assert "git init -b main" in result.as_text()
    subprocess.run(["git", "init", "-q", root], check=True)
    space = workspace.load(root)
    assert space.name == "new-space"
    assert [package.name for package in space.packages] == ["new-space-tasks"]
    assert all(package.recipe.is_file() for package in space.packages)
    assert compile_workflows(space, [], check=False, progress=Silent()).ok
    paths = [root / "src/new-space-tasks", root / "examples/hello/flowlock-hello-workflow"]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, paths))}
    module = [sys.executable, "-m", "flowlock_hello_workflow"]
    cases = str(root / "examples/hello/test-cases.yaml")
    params = str(root / "examples/hello/params.yaml")
    for command in (
        [*module, "test", cases],
        [*module, "run", "--params", params, "--results", str(tmp_path / "results")],
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(root / "tests")],
    ):
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results/dashboard.html").is_file()


def test_the_same_day_and_name_give_the_same_files(tmp_path: Path) -> None:
    for parent in ("one", "two"):
        init(tmp_path / parent / "space", today=TODAY)
    first, second = (
        {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "one/space", tmp_path / "two/space")
    )
    assert first == second


def test_the_build_tools_are_those_that_this_workspace_is_built_with(tmp_path: Path) -> None:
    init(tmp_path / "birds")
    ours, new = (tomllib.loads((root / "flowlock.toml").read_text()) for root in (ROOT, tmp_path / "birds"))
    assert new["build"] == ours["build"]
    assert ours["build"]["backend"] == BACKEND
    assert ours["build"]["installer"] == INSTALLER


def test_the_run_time_that_workflows_ask_for_is_the_toolchains_whatever_the_workspaces_version(
    tmp_path: Path,
) -> None:
    root = tmp_path / "birds"
    init(root, today=TODAY)
    subprocess.run(["git", "init", "-q", root], check=True)
    settings = root / "flowlock.toml"
    settings.write_text(settings.read_text().replace('version = "0.1.0"', 'version = "7.0.0"'))
    assert compile_workflows(workspace.load(root), [], check=False, progress=Silent()).ok
    made = tomllib.loads((root / "examples/hello/flowlock-hello-workflow/pyproject.toml").read_text())
    assert made["project"]["version"] == "7.0.0"
    assert f"flowlock-core>={version('flowlock-core')}" in made["project"]["dependencies"]


@pytest.mark.parametrize("name", ["Über", "1st", "a_b", "-x", "x-", "a b", "x" * 51])
def test_a_name_that_no_package_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FlowlockError) as raised:
        init(tmp_path / name)
    assert raised.value.problems[0].code == "FL306"
    assert not (tmp_path / name).exists()


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "space"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(FlowlockError) as raised:
        init(folder)
    assert raised.value.problems[0].code == "FL307"
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_a_fresh_repository_is_as_good_as_an_empty_folder(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path / "space"], check=True)
    result = init(tmp_path / "space", today=TODAY)
    assert result.ok
    assert "git init" not in result.as_text()


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowlockError):
        init(tmp_path / "file" / "space")


def test_an_editor_completes_and_shows_problems_at_their_lines(tmp_path: Path) -> None:
    root = tmp_path / "a b" / "birds"
    init(root, today=TODAY, editor=Editor.VSCODE)
    subprocess.run(["git", "init", "-q", root], check=True)
    settings = json.loads((root / ".vscode/settings.json").read_text())
    (schema, specs), *_ = settings["yaml.schemas"].items()
    assert [path.parent.name for path in root.glob(specs)] == ["hello"]
    spec = yaml.safe_load((root / "examples/hello/spec.yaml").read_text())
    jsonschema.validate(spec, json.loads((root / schema).read_text()))
    (pattern, schema), *_ = settings["evenBetterToml.schema.associations"].items()
    assert re.search(pattern, f"{root}/flowlock.toml")
    jsonschema.validate(plain(root / "flowlock.toml"), json.loads((root / schema).read_text()))
    assert json.loads((root / ".vscode/extensions.json").read_text())["recommendations"]
    (matcher,) = [
        task["problemMatcher"]["pattern"]
        for task in json.loads((root / ".vscode/tasks.json").read_text())["tasks"]
        if task["problemMatcher"]
    ]
    broken = root / "examples/hello/spec.yaml"
    broken.write_text(broken.read_text().replace("task: add_ratio", "task: add_rato"))
    found = check(workspace.load(root), [], form=Format.GITHUB, progress=Silent())
    line = re.search(matcher["regexp"], found.as_text(), re.MULTILINE)
    assert line is not None
    assert line[matcher["file"]] == "examples/hello/spec.yaml"
    assert "add_rato" in broken.read_text().splitlines()[int(line[matcher["line"]]) - 1]
    assert "add_rato" in line[matcher["message"]]


def plain(path: Path) -> Any:
    """Return a TOML document as JSON has it: times as texts."""
    return json.loads(json.dumps(tomllib.loads(path.read_text()), default=str))


@pytest.mark.parametrize("forge", Forge)
def test_a_forge_asks_an_owner_for_a_review_and_has_a_template_for_it(forge: Forge, tmp_path: Path) -> None:
    url = "https://git.example.org/sub/octo/birds.git"
    init(tmp_path / "birds", today=TODAY, forge=forge, repository=url)
    folder = tmp_path / f"birds/.{forge}"
    *_, owners = (folder / "CODEOWNERS").read_text().splitlines()
    pattern, owner = owners.split()
    assert owner == "@octo"
    # GitHub's patterns are those of .gitignore, Gitea's are regular expressions.
    assert pattern == "*" if forge is Forge.GITHUB else re.fullmatch(pattern, "examples/hello/spec.yaml")
    assert "other than the author" in (folder / "pull_request_template.md").read_text()
    others = {f".{other}" for other in Forge if other is not forge}
    assert not others & {path.name for path in (tmp_path / "birds").iterdir()}


def test_at_gitea_the_channel_and_the_releases_are_those_of_the_repository(tmp_path: Path) -> None:
    url = "https://git.example.org/sub/octo/birds"
    init(tmp_path / "birds", today=TODAY, forge=Forge.GITEA, repository=url)
    space = workspace.load(tmp_path / "birds")
    channel = "https://git.example.org/sub/api/packages/octo/conda"
    assert dict(space.targets) == {"channel": f"gitea:{channel}", "forge": f"gitea:{url}"}
    context = Context(root=tmp_path, tag="v1.0.0")
    kinds = [make(target, space.targets, context).kind for target in space.targets]
    assert [str(kind) for kind in kinds] == ["channel", "release"]
    assert channel in (tmp_path / "birds/flowlock.toml").read_text()


@pytest.mark.parametrize(
    "url", ["octo/birds", "https://git.example.org/octo", "https://ada:secret@git.example.org/octo/birds"]
)
def test_a_repository_that_is_not_one_is_refused_and_nothing_is_made(url: str, tmp_path: Path) -> None:
    with pytest.raises(FlowlockError) as raised:
        init(tmp_path / "birds", forge=Forge.GITEA, repository=url)
    assert "secret" not in str(raised.value)
    assert not (tmp_path / "birds").exists()
