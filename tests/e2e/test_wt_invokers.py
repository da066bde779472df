"""The examples under wt's own invoker, which is what its runner drives packages with."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared import ROOT, require_part

PYTHON = ROOT / ".parts/wt/bin/python"
NAME = "flowlock-carbon-workflow"
PARAMS: dict[str, Any] = {
    "weekly": {"path": "mauna-loa.csv"},
    "period": {"time_range": {"since": "1958-01-01", "until": "2001-12-31"}},
    "dashboard": {"title": "Carbon dioxide — on"},
}
# Its invoker calls `pixi run -e default NAME …`.
PIXI = '#!/bin/sh\nshift 3\nexec "$@"\n'
COMMAND = '#!/bin/sh\nexec "{python}" -m flowlock_carbon_workflow "$@"\n'


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    require_part(found=PYTHON.exists(), part="the Python package wt-invokers")
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, text in (("pixi", PIXI), (NAME, COMMAND.format(python=sys.executable))):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def invoked(programs: Path, results: Path, params: Any, *commands: tuple[str, str | None]) -> dict[str, Any]:
    """Return what wt's invoker got for commands and from a run of the example carbon."""
    request = {
        "matchspec": f"{NAME}>=0.1",
        "cwd": str(ROOT / "examples/carbon"),
        "commands": [(command.split(), stdin) for command, stdin in commands],
        "config": json.dumps(params),
        "results": results.as_uri(),
        "mock_io": False,
    }
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT / f"examples/carbon/{NAME}"),
        "FLOWLOCK_CACHE_DIR": str(results / "../cache"),
    }
    done = subprocess.run(
        [PYTHON, ROOT / "tests/servers/wt_invoker.py", json.dumps(request)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_package_runs_under_the_invoker_of_wt(programs: Path, tmp_path: Path) -> None:
    results = tmp_path / "results é"
    answer = invoked(
        programs,
        results,
        PARAMS,
        ("get rjsf", None),
        ("get params", None),
        ("get data-connection-property-names", None),
        ("convert --from params --to formdata", json.dumps(PARAMS)),
        ("convert --from formdata --to params", json.dumps({"invalid": "request"})),
    )
    form, params, names, converted, refused = map(json.loads, answer["outputs"])
    assert answer["installed"]
    assert set(form) == {"title", "properties", "$defs", "additionalProperties", "uiSchema"}
    assert "weekly" in params["properties"]
    assert names == {"S3": ["weekly", "files"]}
    assert converted == {"result": PARAMS}
    assert [error["path"] for error in refused["validation_errors"]] == [["invalid"]]
    assert answer["code"] == 0
    document = json.loads((results / "result.json").read_text(encoding="utf-8"))
    assert document["result"]["title"] == "Carbon dioxide — on"
    assert (document["error"], document["trace"]) == (None, None)


def test_the_invoker_of_wt_finds_the_error_of_a_run(programs: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    answer = invoked(programs, results, {**PARAMS, "weekly": {"path": "nowhere.csv"}})
    assert answer["code"] == 0
    error = json.loads((results / "result.json").read_text())["error"]
    assert f"{ROOT / 'examples/carbon/nowhere.csv'} does not exist" in error
