"""A package as the compiler writes it, importable in a test."""

from pathlib import Path

import pytest

from resumable import Gauges

SOURCE = '''
"""A package as the compiler writes it."""
from typing import Any
from flowlock_core.execute import Steps
from flowlock_core.tasks.groupby import count_rows
from flowlock_core.tasks.io import load_table
from flowlock_core.tasks.results import create_single_value_widget, gather_dashboard


def sample(step: Steps) -> Any:
    """Count the rows of a table."""
    table = step(load_table, "table").call()
    rows = step(count_rows, "rows_there").partial(df=table).call()
    card = step(create_single_value_widget, "card").partial(value=rows, title="Rows").call()
    return step(gather_dashboard, "dashboard").partial(title="<Sample> & co", widgets=[card]).call()


def bug(step: Steps) -> Any:
    """Fail outside of every task."""
    raise AssertionError("a bug")


def interrupted(step: Steps) -> Any:
    """Be stopped."""
    raise KeyboardInterrupt
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Make a package importable, under a name that no other test has."""
    name = f"flowlock_{abs(hash(request.node.name))}_workflow"
    folder = tmp_path / "paths é" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "workflow.py").write_text(SOURCE, encoding="utf-8")
    (folder / "params.schema.json").write_text('{"type": "object"}\n')
    (folder / "graph.mmd").write_text("flowchart TD\n  table[Table]\n")
    monkeypatch.syspath_prepend(str(folder.parent))
    (tmp_path / "data.csv").write_text("a\n1\n2\n")
    (tmp_path / "params.yaml").write_text("table:\n  path: data.csv\n")
    return name


@pytest.fixture
def gauges(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Gauges:
    found = Gauges(tmp_path, capsys)
    monkeypatch.syspath_prepend(tmp_path / "code")
    return found
