"""Mistakes in tasks that somebody writes."""

from walk.mistake import TASK, Mistake, change, mistake

PROJECT = "src/rivers-tasks/pyproject.toml"
COLUMN = 'column: Annotated[str, Field(title="Column", description="The column that must have a value.")]'


def task(old: str, new: str, *commands: str) -> Mistake:
    return mistake(*(commands or ("flowlock check",)), edits=change(TASK, old, new))


MISTAKES = {
    "task-without-annotation": task(COLUMN, "column"),
    "task-without-return-type": task(") -> DataFrame:", "):"),
    "task-without-decorator": task("@task\n", ""),
    "task-with-a-syntax-error": task(") -> DataFrame:", ") -> DataFrame"),
    "task-imports-what-is-absent": task(
        "from typing import Annotated", "import geopanda\nfrom typing import Annotated"
    ),
    "task-without-entry-point": mistake(
        "flowlock check", edits=change(PROJECT, 'keep_high = "rivers_tasks.keep_high:keep_high"\n', "")
    ),
    "entry-point-misspelt": mistake(
        "flowlock check",
        edits=change(PROJECT, "rivers_tasks.keep_high:keep_high", "rivers_tasks.keep_high:keep_hihg"),
    ),
    "task-renamed-in-the-spec-only": mistake(
        "flowlock check", edits=change("examples/floods/spec.yaml", "task: keep_high", "task: drop_low")
    ),
    "task-with-an-unknown-type": task(COLUMN, "column: Annotated[Colum, Field(title='Column')]"),
    "task-with-variable-arguments": task(f"*,\n    {COLUMN}", "*columns: str"),
}
