"""The tasks of pixi.toml, here and in new workspaces, and the manifests in which packages are developed."""

import re
import shlex
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jinja2
import pytest
import yaml

from command_lines import commands, make_targets, wrong_command
from flowlock import workspace
from flowlock.commands.compile import compile_workflows
from flowlock.commands.init import init
from flowlock.report.reporter import Silent
from shared import ROOT

EVERYDAY = {
    *("recompile", "lint", "format", "typecheck", "test", "build", "release", "docker-build", "docker-run"),
    *("image-build", "image-push"),
    *("sync", "check", "hand-over", "take-over", "serve", "docker-serve"),
}


@pytest.fixture(params=["this repository", "a new workspace"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "this repository":
        return ROOT
    made = tmp_path / "birds"
    init(made)
    subprocess.run(["git", "init", "-q", made], check=True)
    assert compile_workflows(workspace.load(made), [], check=False, progress=Silent()).ok
    return made


def tasks(root: Path) -> dict[str, dict[str, Any]]:
    """Return each task as a table, also those that are written as their command only."""
    found = tomllib.loads((root / "pixi.toml").read_text())["tasks"]
    return {name: task if isinstance(task, dict) else {"cmd": task} for name, task in found.items()}


def filled(task: dict[str, Any], workflow: str, more: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Return the words of a task with arguments, as pixi fills them in (with minijinja, which agrees)."""
    values = {"workflow": workflow, **more}
    assert task["args"] == list(values)
    return shlex.split(jinja2.Template(task["cmd"]).render(values))


def test_the_tasks_of_every_day_are_there(root: Path) -> None:
    assert tasks(root).keys() >= EVERYDAY


def test_what_tasks_run_exists_and_takes_these_arguments(root: Path) -> None:
    known = tasks(root)
    for name, task in known.items():
        assert set(task.get("depends-on", [])) <= known.keys(), name
        for words in commands(task["cmd"]):
            assert wrong_command(words, complete=True) is None, name
        if task["cmd"].startswith("make "):
            assert set(task["cmd"].split()[1:]) <= make_targets(), name
        for path in re.findall(r"\.venv/bin/(\S+)", task["cmd"]):
            assert path in {"flowlock", "ruff", "mypy"}, name
            assert "dev" in task["depends-on"], name


def test_an_image_is_built_from_a_workflows_package_and_run_with_its_parameters(root: Path) -> None:
    known, here = tasks(root), workspace.load(root)
    for workflow in here.workflow_list:
        built, run = (filled(known[name], workflow.name) for name in ("docker-build", "docker-run"))
        folder = root / built[-1]
        assert folder == workflow.package
        *_, data = re.findall(r"^WORKDIR (\S+)$", (folder / "Dockerfile").read_text(), re.MULTILINE)
        image = built[built.index("--tag") + 1]
        assert image == workflow.distribution
        # The image, and the command that runs in it.
        command = run.index(image) + 1
        assert run[command : command + 2] == [workflow.distribution, "run"]
        mounted = [run[place + 1] for place, word in enumerate(run) if word == "--volume"]
        assert f"$PWD/{here.relative(workflow.folder)}:{data}:ro" in mounted
        assert (workflow.folder / run[run.index("--params") + 1]).is_file()


def test_an_image_serves_its_workflow_to_this_machine_with_a_token_of_a_file(root: Path) -> None:
    known, here = tasks(root), workspace.load(root)
    for workflow in here.workflow_list:
        run = filled(known["docker-serve"], workflow.name, {"token": "secrets/token.txt"})
        image = run.index(workflow.distribution)
        assert run[image + 1 : image + 3] == [workflow.distribution, "serve"]
        # Docker reaches what listens on all addresses of a container, and publishes it to this machine.
        options = dict(zip(run[image + 3 :: 2], run[image + 4 :: 2], strict=True))
        assert options["--host"] == "0.0.0.0"  # noqa: S104 - what a container must listen on
        assert f"127.0.0.1:{options['--port']}:{options['--port']}" in run[:image]
        assert f"$PWD/secrets/token.txt:{options['--token-file']}:ro" in run[:image]
        assert any(word.endswith(f":{options['--results']}") for word in run[:image])
        manifest = tomllib.loads((workflow.package / "pixi.toml").read_text())
        assert manifest["tasks"]["serve"] == f"{workflow.distribution} serve"
        assert f"{workflow.distribution} serve" in (workflow.package / "Dockerfile").read_text()


def test_an_image_of_a_workflow_with_an_underscore_has_the_packages_name(root: Path) -> None:
    built = filled(tasks(root)["docker-build"], "my_flow")
    assert built[-1] == "examples/my_flow/flowlock-my-flow-workflow"
    assert built[built.index("--tag") + 1] == "flowlock-my-flow-workflow"


def package_manifests() -> dict[str, dict[str, Any]]:
    """Return the pixi manifest of each package of src/ by its name."""
    return {
        str(package.name): tomllib.loads((package.folder / "pixi.toml").read_text())
        for package in workspace.load(ROOT).packages
    }


def run_requirements(name: str) -> dict[str, str]:
    """Return what a recipe requires when it runs; in place of a package of src/, what that one requires."""
    recipe = yaml.safe_load((ROOT / "recipes" / name / "recipe.yaml").read_text())
    requirements: dict[str, str] = {}
    for item in recipe["requirements"]["run"]:
        required, _, version = item.partition(" ")
        if (ROOT / "src" / required).is_dir():
            requirements = run_requirements(required) | requirements
        else:
            requirements[required] = version
    return requirements


def test_each_package_is_developed_with_what_its_recipe_requires() -> None:
    for name, manifest in package_manifests().items():
        wanted = run_requirements(name)
        assert {key: manifest["dependencies"].get(key) for key in wanted} == wanted, name
        assert not manifest["dependencies"].keys() & package_manifests().keys(), name


def test_each_package_is_installed_editable_in_two_environments_and_tested_from_the_root() -> None:
    assert tasks(ROOT)["test-package"]["args"] == ["package"]
    called = shlex.split(jinja2.Template(tasks(ROOT)["test-package"]["cmd"]).render(package="flowlock-core"))
    assert called == [
        *("pixi", "run", "--manifest-path", "src/flowlock-core/pixi.toml"),
        *("--environment", "test", "test"),
    ]
    for name, manifest in package_manifests().items():
        assert manifest["environments"].keys() == {"default", "test"}
        assert shlex.split(manifest["tasks"]["install"])[-2:] == ["--editable", "."]
        test = manifest["feature"]["test"]["tasks"]["test"]
        assert test["depends-on"] == ["install"]
        for word in shlex.split(test["cmd"]):
            if word.startswith("../"):
                assert (ROOT / "src" / name / word).is_dir(), word


def test_each_manifest_of_a_package_has_a_lock_or_says_why_not() -> None:
    for name, manifest in package_manifests().items():
        declared = manifest.get("tool", {}).get("flowlock", {}).get("locked", True)
        assert (ROOT / "src" / name / "pixi.lock").is_file() == declared, name
