"""A run with a connection to a stand-in of EarthRanger: its token is in no file and in no output."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers.earthranger import TOKEN, Site, site
from servers.parts import folder_of
from shared import ROOT

WORKFLOW = """
from typing import Any

from flowlock_core.cli import run_alone
from flowlock_core.execute import Steps
from flowlock_ext_ecoscope.compat.values import dataframe_count
from flowlock_ext_ecoscope.earthranger.tasks import get_events


def reports(step: Steps) -> Any:
    found = step(get_events, "found").call()
    return step(dataframe_count, "number").partial(df=found).call()


if __name__ == "__main__":
    raise SystemExit(run_alone(reports, __file__))
"""
PARAMS = """
found:
  client: park
  time_range: {since: 2024-03-01, until: 2024-03-02}
  event_types: []
  event_columns: []
"""


@pytest.mark.parametrize("token", [TOKEN, f"{TOKEN}-that-is-wrong"], ids=["accepted", "refused"])
def test_a_token_is_in_no_file_and_in_no_output(token: str, tmp_path: Path) -> None:
    (tmp_path / "workflow.py").write_text(WORKFLOW)
    (tmp_path / "params.yaml").write_text(PARAMS)
    python = folder_of("ecoscope") / "bin" / Path(sys.executable).name
    paths = [ROOT / "src" / name for name in ("flowlock-core", "flowlock-ext-ecoscope")]
    made = Site()
    # The site itself repeats the token in its message.
    with site(made) as url:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "HOME": str(tmp_path / "home"),
            "FLOWLOCK_CONNECTIONS__EARTHRANGER__PARK__SERVER": url,
            "FLOWLOCK_CONNECTIONS__EARTHRANGER__PARK__TOKEN": token,
        }
        command: list[str | Path] = [python, "workflow.py", "--params", "params.yaml"]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
        )
    assert made.asked
    assert done.returncode == (0 if token == TOKEN else 1), done.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    written = [path for path in files if TOKEN in path.read_bytes().decode(errors="replace")]
    assert written == []
    assert TOKEN not in done.stdout + done.stderr
    if token == TOKEN:
        assert json.loads((tmp_path / "results/result.json").read_text())["result"] == 3
    else:
        assert "does not accept the token: Invalid token: Bearer ***" in done.stderr
