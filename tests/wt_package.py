"""A small package as the compiler writes it, for what drives packages from outside."""

import json
from pathlib import Path

SOURCE = '''
"""A package as the compiler writes it, whose import prints."""
import os
import signal
import time
from typing import Annotated, Any
from flowlock_core.connections import Connection
from flowlock_core.connections.postgres import Postgres
from flowlock_core.execute import Steps
from flowlock_core.task import task
from flowlock_core.tasks.groupby import count_rows
from flowlock_core.tasks.io import load_table
from flowlock_core.tasks.results import create_single_value_widget, gather_dashboard
from pydantic import BaseModel

print("something was imported")


class EarthRangerConnection(Postgres):
    """Named as the classes of ecoscope-workflows."""

    kind = "earthranger"


class Range(BaseModel):
    """Nested values."""

    days: list[int]


@task
def observe(
    client: Annotated[EarthRangerConnection, Connection], fixed: Annotated[Postgres, Connection]
) -> int:
    """Take two connections."""
    return 1


@task
def add(range: Range, then: str = "") -> list[int]:
    """Return a list, sleep, fail or die."""
    if then == "sleep":
        time.sleep(60)
    if then == "fail":
        raise ValueError("it was to fail")
    if then == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return range.days


def dashboards(step: Steps) -> Any:
    """Count the rows of a table."""
    table = step(load_table, "table").call()
    rows = step(count_rows, "rows_there").partial(df=table).call()
    card = step(create_single_value_widget, "card").partial(value=rows, title="Rows").call()
    return step(gather_dashboard, "dashboard").partial(title="Rows", widgets=[card]).call()


def lists(step: Steps) -> Any:
    """Return a list."""
    return step(add, "added").partial(then="${{ env.THEN }}").call()


def numbers(step: Steps) -> Any:
    """Return a list of what the parameters say."""
    return step(add, "added").call()


def connected(step: Steps) -> Any:
    """Use connections."""
    return step(observe, "observed").partial(fixed="main").call()
'''
TABLE = {"type": "object", "properties": {"path": {"type": "string"}}}
SCHEMA = {
    "title": "Rows",
    "type": "object",
    "additionalProperties": False,
    "$schema": "x",
    "required": ["table"],
}
FORM = {
    "schema": {**SCHEMA, "properties": {"Data": {"type": "object", "properties": {"table": TABLE}}}},
    "uiSchema": {"ui:order": ["Data"]},
    "groups": {"Data": ["table", "added"]},
}


def write_package(parent: Path, name: str) -> None:
    """Write the package below `parent`, and the table that it reads beside that folder."""
    folder = parent / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "workflow.py").write_text(SOURCE, encoding="utf-8")
    (folder / "form.json").write_text(json.dumps(FORM))
    observed = {"type": "object", "properties": {"client": {"type": "string"}}}
    properties = {"table": TABLE, "added": {"type": "object"}, "observed": observed}
    (folder / "params.schema.json").write_text(json.dumps({**SCHEMA, "properties": properties}))
    (parent.parent / "data.csv").write_text("a\n1\n2\n")
