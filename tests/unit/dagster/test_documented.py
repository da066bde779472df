"""The examples of docs/dagster.md that are whole can be loaded by Dagster."""

import re
import runpy
from pathlib import Path

import pytest

from shared import ROOT

BLOCKS = [
    block
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs/dagster.md").read_text(), re.DOTALL)
    if block.startswith("import dagster") and "…" not in block
]


@pytest.mark.parametrize("block", BLOCKS)
def test_an_example_can_be_loaded(block: str, tmp_path: Path) -> None:
    import dagster as dg

    from dagster_jobs import workflow_of

    workflow_of("carbon")
    script = tmp_path / "definitions.py"
    script.write_text(block)
    names = runpy.run_path(str(script))
    dg.Definitions.validate_loadable(names["defs"])
    assert [job.name for job in names["defs"].get_repository_def().get_all_jobs()] == ["carbon"]


def test_there_is_an_example_for_several_machines_and_one_for_partitions() -> None:
    assert [name for name in ("k8s_job_executor", "TimePartitions") if name not in "".join(BLOCKS)] == []
    assert len(BLOCKS) >= 3
