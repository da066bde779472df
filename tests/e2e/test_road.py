"""The whole road of one edit: spec, sync, image, registry, manifest, code server, and what Dagster says."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from checkout import Checkout
from deployments import IDENTITY
from servers.dagster_stack import BIN, dagster_stack
from servers.registry import open_registry
from shared import require_part

OLD, NEW = "Penguins measured", "Penguins weighed and measured"
DEFINITIONS = """
from flowlock_dagster.job import workflow_job
from flowlock_dagster.location import definitions_of

defs = definitions_of(jobs=[workflow_job("flowlock_penguins_workflow.workflow:penguins")])
"""
SETTINGS = """
[deploy.penguins]
image = "{image}"
file = "deploy/values.yaml"
location = "birds"

[deploy.penguins.slice]
job = "penguins"
params = {{ observations = {{ path = "{data}", null_words = ["NA"] }} }}
"""


def git(root: Path, *arguments: str) -> str:
    options = [f"user.name={IDENTITY['GIT_AUTHOR_NAME']}", f"user.email={IDENTITY['GIT_AUTHOR_EMAIL']}"]
    command = ["git", *(word for option in options for word in ("-c", option)), *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def replace(path: Path, text: str) -> None:
    """Write a file that may be a link to that of another checkout."""
    path.unlink(missing_ok=True)
    path.write_text(text)


def test_an_edit_of_a_spec_is_what_dagster_runs_in_the_end(
    checkout: Callable[[], Checkout], image_checkout: Checkout, tmp_path: Path
) -> None:
    require_part(found=BIN.is_dir(), part="Dagster")
    made = checkout()
    layers = made.state.image_layers
    shutil.copytree(image_checkout.state.image_layers, layers, copy_function=os.link, dirs_exist_ok=True)
    root, remote = made.root, tmp_path / "remote.git"
    definitions = tmp_path / "birds.py"
    definitions.write_text(DEFINITIONS)
    with open_registry(tmp_path / "registry") as registry:
        image = f"{registry.host}/octo/penguins"
        data = root / "examples/penguins/penguins.csv"
        settings = root / "flowlock.toml"
        replace(settings, settings.read_text() + SETTINGS.format(image=f"{image}", data=data))
        (root / "deploy").mkdir()
        values = f"deployments:\n  - name: penguins\n    image:\n      repository: {image}\n      tag: none\n"
        (root / "deploy/values.yaml").write_text(values)
        spec = root / "examples/penguins/spec.yaml"
        assert OLD in spec.read_text()
        replace(spec, spec.read_text().replace(OLD, NEW))
        synced = made.flowlock("sync", "penguins")
        assert synced.code == 0, synced.err
        git(root, "add", "-A")
        git(root, "commit", "-qm", "Say that penguins are weighed")
        git(tmp_path, "init", "-q", "--bare", "-b", "main", str(remote))
        git(root, "remote", "add", "origin", str(remote))
        git(root, "push", "-q", "origin", "HEAD:main")
        pushed = made.flowlock("--json", "image", "push", "penguins", "--to", image)
        assert pushed.code == 0, pushed.err
        tag = pushed.document["image"].rpartition(":")[2]
        assert tag == git(root, "rev-parse", "HEAD")
        deployed = made.flowlock(
            "--json", "deploy", "penguins", "--tag", tag, "--direct", cwd=None, **IDENTITY
        )
        assert deployed.code == 0, deployed.err
        git(root, "pull", "-q", "--ff-only", "origin", "main")
        assert git(root, "diff", "--numstat", "HEAD~1").split() == ["1", "1", "deploy/values.yaml"]
        environment = {
            "PYTHONPATH": str(root / "examples/penguins/flowlock-penguins-workflow"),
            "FLOWLOCK_RESULTS": str(tmp_path / "results"),
        }
        with dagster_stack(definitions, tmp_path / "dagster", environment, image=f"{image}:none") as stack:
            before = made.flowlock("deploy", "verify", "penguins", "--url", stack.url)
            assert before.code == 1
            assert f"it runs {image}:none, not {image}:{tag}" in before.out
            # What the platform does with the commit.
            stack.replace_code(image=f"{image}:{tag}")
            verified = made.flowlock("--json", "deploy", "verify", "--url", stack.url, "--wait", "120")
            assert verified.code == 0, verified.out
            reloaded = made.flowlock("deploy", "reload", "--url", stack.url)
            assert reloaded.code == 0, reloaded.err
        checks = {check["name"]: check for check in verified.document["checks"]}
        assert checks["image"]["detail"] == f"it runs {image}:{tag}"
        run = checks["run"]["detail"].rpartition(" ")[2]
        assert NEW in (tmp_path / "results/penguins" / run / "result.json").read_text()
