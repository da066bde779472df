"""Mocked input: the file that stands for a step's result, and its value."""

import json
import sys
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from flowlock_core.arguments import arguments_of, problems_of
from flowlock_core.errors import TaskError
from flowlock_core.schema import annotation_text
from flowlock_core.task import Task

IO_TAG = "io"


def mock_file(task: Task[..., Any], step_id: str, mocks: Mapping[str, Path], *, mock_io: bool) -> Path | None:
    """Return the file that stands for a step's result, if there is one: the case's, or the task's."""
    if step_id in mocks:
        return mocks[step_id]
    if not mock_io or IO_TAG not in task.tags:
        return None
    if task.example is None:
        raise TaskError(
            f"the task {task.name} has no packaged example to use with mocked I/O",
            hint=f"name a file for this step under `mocks: {{{step_id}: file}}` of the test case",
        )
    module = sys.modules[task.func.__module__]
    package = module.__spec__.parent if module.__spec__ else module.__name__.rpartition(".")[0]
    return Path(str(files(package or module.__name__).joinpath(task.example)))


def load_mock(path: Path, task: Task[..., Any]) -> Any:
    """Read a mock as what the task gives: a table, text, or a JSON value checked against its annotation."""
    if not path.is_file():
        raise TaskError(
            f"there is no mock file {path}",
            code="FL730",
            hint="the path is relative to the test cases' file",
        )
    returns = arguments_of(task.func).returns
    if annotation_text(returns) == "pandas.DataFrame":
        from flowlock_core.tables import read_table

        return read_table(path)
    text = path.read_text(encoding="utf-8")
    if returns is str:
        return text
    try:
        document = json.loads(text)
    except ValueError as error:
        raise TaskError(f"the mock file {path} is no JSON: {error}") from error
    try:
        return _adapter(returns).validate_python(document)
    except ValidationError as error:
        problem = problems_of("result", error)[0]
        raise TaskError(
            f"the mock file {path} does not fit {annotation_text(returns)}: {problem.sentence}"
        ) from error


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)
