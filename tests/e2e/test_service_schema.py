"""schemathesis against the service: what its description says is what it does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers.service import TOKEN, served
from shared import ROOT, require_part

SEED = 20261127
PROGRAM = ROOT / ".parts/service/bin/schemathesis"
LONG = os.environ.get("FLOWLOCK_STORM") == "long"
# 200 examples for each operation take minutes.
EXAMPLES = 200 if LONG else 10


@pytest.mark.storm
def test_the_service_does_what_its_description_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_part(found=PROGRAM.exists(), part="schemathesis")
    hooks = {"SCHEMATHESIS_HOOKS": "servers.schemathesis_hooks", "PYTHONPATH": str(ROOT / "tests")}
    with served(tmp_path / "service", "--queue", "4", "--time-limit", "1") as service:
        (service.folder / "note.txt").write_text("a file")
        command = [
            str(PROGRAM), "run", f"{service.address}/openapi.json",
            "--header", f"Authorization: Bearer {TOKEN}",
            "--checks", "all", "--max-examples", str(EXAMPLES), "--seed", str(SEED), "--no-color",
            # A stream does not end before its run does.
            "--exclude-path", "/runs/{id}/events",
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, **hooks}, capture_output=True, text=True, check=False
        )
    with capsys.disabled():
        cases = _cases(done.stdout)
        sys.stdout.write(f"\nschemathesis: seed {SEED}, {EXAMPLES} examples an operation: {cases}\n")
    assert done.returncode == 0, done.stdout


def _cases(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if " generated" in line]
    return lines[0] if lines else "no cases"
