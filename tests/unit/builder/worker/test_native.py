"""What the engine says of recipes before a build is asked in a process that leaves nothing behind."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from flowlock.builder.worker.native import refusals
from flowlock.names import Platform
from flowlock.recipe.document import parse


@pytest.mark.parametrize(("requirement", "is_refused"), [("python >=3.11", False), ("python >>3", True)])
def test_the_engine_leaves_no_recipe_in_any_temporary_folder(
    requirement: str, tmp_path: Path, *, is_refused: bool
) -> None:
    name = f"probe-{uuid4().hex}"
    document = {
        "package": {"name": name, "version": "1.0"},
        "build": {"number": 0, "noarch": "python"},
        "requirements": {"run": [requirement]},
    }
    recipe = parse(json.dumps(document), "recipe.yaml")
    refused = refusals({name: recipe}, Platform("linux-64"), kept=tmp_path / "answers")
    assert (name in refused) == is_refused
    left = [path.parent for path in Path("/tmp").glob("*/recipe.yaml") if name in path.read_text()]
    assert left == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers"]
