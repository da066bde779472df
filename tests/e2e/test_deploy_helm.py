"""What Helm's own engine makes of values after an edit, and what a schema of Kubernetes says of that."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from flowlock.deploy.tag_edit import set_tag
from servers.parts import folder_of
from shared import ROOT, require_part
from values_files import IMAGE, SHAPES

PYTHON = folder_of("kubernetes") / "bin/python"
TAGS = ("1234567", "12345678901", "1e10", "0x10", "0o17", "on", "null", "1.2.3", "abcdef0")
# Those that the chart of the tests has keys for.
CHARTED = (
    "image:",
    "? image",
    "deployments:",
    "dagster-user-deployments:",
    "# tag: abc\nimage:",
    '{"image":',
)


def helm(texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the images of the manifests that the chart makes of each text."""
    require_part(found=PYTHON.is_file(), part="Helm's engine")
    command = [str(PYTHON), str(ROOT / "tests/servers/helm.py"), str(ROOT / "tests/charts/location")]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    outcomes: dict[str, Any] = json.loads(done.stdout)
    return outcomes


def test_a_number_without_quotes_is_another_image_to_helm() -> None:
    values = f"image:\n  repository: {IMAGE}\n  tag: 12345678901\n"
    edited = set_tag(values, "values.yaml", image=IMAGE, key="", tag="12345678901").after
    outcomes = helm({"before": values, "after": edited})
    assert outcomes == {"before": [f"{IMAGE}:1.2345678901e+10"], "after": [f"{IMAGE}:12345678901"]}


@pytest.mark.parametrize("tag", TAGS)
def test_helm_deploys_the_tag_that_was_written(tag: str) -> None:
    edited = {}
    for shape in SHAPES:
        text = shape.text.lstrip("\ufeff").replace("# head\r\n", "")
        if text.startswith(CHARTED) and not text.startswith("images"):
            unmarked = (
                shape.text.replace("<<: ", "\0").replace("<", "").replace(">", "").replace("\0", "<<: ")
            )
            edit = set_tag(unmarked, "values.yaml", image=IMAGE, key=shape.key, tag=tag)
            edited[shape.name] = edit.after
    assert len(edited) >= 20
    wrong = {name: found for name, found in helm(edited).items() if f"{IMAGE}:{tag}" not in found}
    assert not wrong
