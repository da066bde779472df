"""A generated `workflow.py` runs as a file, and a debugger stops in its steps."""

import bdb
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from flowlock.compile.package import render
from flowlock.spec.catalog import Catalog
from flowlock.spec.rules.check import check_text
from flowlock_core.execute import Options, Run
from flowlock_core.registry import registrations
from flowlock_core.schema import signature
from specs import FACTS

SPEC = """
id: demo
requirements: []
workflow:
  - name: Load the rows
    id: rows
    task: load_table
  - name: Count them
    id: how_many
    task: count_rows
    partial:
      df: ${{ workflow.rows.return }}
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """The compiled module, in a folder whose name needs quoting, with a table and its parameters."""
    known = [one for one in registrations() if one.distribution == "flowlock-core"]
    found = [signature(one.load(), name=one.name, distribution=one.distribution) for one in known]
    catalog = Catalog.of(found)
    spec, problems = check_text(SPEC, "spec.yaml", catalog, FACTS)
    assert spec
    assert not problems
    root = tmp_path / "a place é"
    for path, text in render(spec, catalog, FACTS, source=SPEC).items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    (root / "rows.csv").write_text("a\n1\n2\n3\n")
    (root / "params.yaml").write_text("rows: {path: rows.csv}\n")
    return root / "flowlock_demo_workflow" / "workflow.py"


def line_of(module: Path, words: str) -> int:
    lines = module.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


def test_it_runs_as_a_file(module: Path, tmp_path: Path) -> None:
    results = tmp_path / "out"
    arguments: list[str | Path] = [
        "--params",
        module.parents[1] / "params.yaml",
        "--results",
        results,
        "--set",
        "rows.columns=[a]",
    ]
    done = subprocess.run(
        [sys.executable, module, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    document = json.loads((results / "result.json").read_text())
    assert document["result"] == 3
    assert document["workflow"] == "demo"


class Debugger(bdb.Bdb):
    """Looks at what is there when a breakpoint is reached."""

    def __init__(self, look: Callable[[FrameType], None]) -> None:
        super().__init__()
        self.look = look

    def user_line(self, frame: FrameType) -> None:
        if self.get_break(self.canonic(frame.f_code.co_filename), frame.f_lineno):
            self.look(frame)
        self.set_continue()


def test_a_breakpoint_in_a_step_stops_between_real_steps(module: Path) -> None:
    seen: list[tuple[int, dict[str, Any]]] = []
    results: list[Any] = []
    debugger = Debugger(lambda frame: seen.append((frame.f_lineno, dict(frame.f_locals))))
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(module.read_text(), str(module), "exec"), namespace)  # noqa: S102 - as a debugger loads it
    line = line_of(module, 'step(count_rows, "how_many")')
    assert debugger.set_break(str(module), line) is None
    options = Options(params={"rows": {"path": "rows.csv"}}, base=module.parents[1])
    try:
        debugger.runcall(lambda: results.append(Run.of(namespace["demo"], options)[0]))
    finally:
        debugger.clear_all_breaks()
    assert results == [3]
    assert [found for found, _ in seen] == [line]
    variables = seen[0][1]
    assert list(variables["rows"]["a"]) == [1, 2, 3]


def test_pdb_stops_there_and_prints_the_variable(module: Path, tmp_path: Path) -> None:
    line = line_of(module, 'step(count_rows, "how_many")')
    commands = f"break {module}:{line}\ncontinue\np len(rows)\nstep\nwhere\nclear 1\ncontinue\nquit\n"
    arguments: list[str | Path] = [
        "--params",
        module.parents[1] / "params.yaml",
        "--results",
        tmp_path / "out",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pdb", module, *arguments],
        input=commands, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "(Pdb) 3\n" in done.stdout, done.stdout + done.stderr
    assert (tmp_path / "out/result.json").is_file()
