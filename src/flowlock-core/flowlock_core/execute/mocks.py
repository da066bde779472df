"""Mocked input: the file that stands for a step's result, and its value."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from flowlock_core.arguments import Arguments, arguments_of
from flowlock_core.errors import TaskError
from flowlock_core.refusals import problems_of_value
from flowlock_core.schema import annotation_text
from flowlock_core.task import Task

IO_TAG = "io"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mock:
    """A file that stands for a step's result: the example of its task's package, or one that a case names."""

    path: Path
    packaged: bool


def mock_of(task: Task[..., Any], step_id: str, mocks: Mapping[str, Path], *, mock_io: bool) -> Mock | None:
    """Return what stands for a step's result, if something does: the case's file, or the task's."""
    if step_id in mocks:
        return Mock(path=mocks[step_id], packaged=False)
    if not mock_io or IO_TAG not in task.tags:
        return None
    if task.example is None:
        raise TaskError(
            f"the task {task.name} has no packaged example for mocked I/O",
            hint=f"set a file for this step under `mocks: {{{step_id}: file}}` of the test case",
        )
    module = sys.modules[task.func.__module__]
    package = module.__spec__.parent if module.__spec__ else module.__name__.rpartition(".")[0]
    return Mock(path=Path(str(files(package or module.__name__).joinpath(task.example))), packaged=True)


def load_mock(mock: Mock, task: Task[..., Any], values: Mapping[str, Any]) -> Any:
    """Read a mock as what the task gives: a table, text, or a JSON value checked against its annotation.

    A table of a case is read as the step's parameters (`values`) say, where the task reads a path.
    """
    if not mock.path.is_file():
        raise TaskError(
            f"mock file {mock.path} does not exist",
            code="FL730",
            hint="the path is relative to the file of the test cases",
        )
    returns = arguments_of(task.func).returns
    read = _READERS.get(annotation_text(returns))
    if read is not None:
        return _table(mock, task, values, read)
    text = mock.path.read_text(encoding="utf-8")
    return text if returns is str else _json_value(mock.path, text, returns)


def _read_plain(path: Path) -> Any:
    from flowlock_core.tables.files import read_table

    return read_table(path)


def _read_geographic(path: Path) -> Any:
    import geopandas as gpd

    return gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)


_READERS = {"pandas.DataFrame": _read_plain, "geopandas.GeoDataFrame": _read_geographic}


def _table(mock: Mock, task: Task[..., Any], values: Mapping[str, Any], read: Callable[[Path], Any]) -> Any:
    arguments = arguments_of(task.func)
    # The mock is a file, whatever the step would read through a connection.
    plain = {name: value for name, value in values.items() if not _is_connection(arguments, name)}
    given = {**plain, "path": str(mock.path)}
    required = {name for name, argument in arguments.by_name.items() if argument.required}
    if mock.packaged or "path" not in arguments.by_name or not required <= given.keys():
        return read(mock.path)
    return task.func(**arguments.check(given))


def _is_connection(arguments: Arguments, name: str) -> bool:
    argument = arguments.by_name.get(name)
    return argument is not None and argument.connection is not None


def _json_value(path: Path, text: str, returns: Any) -> Any:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TaskError(f"the mock file {path} is not JSON: {error}") from error
    try:
        return _adapter(returns).validate_python(document)
    except ValidationError as error:
        problem = problems_of_value("result", document, error)[0]
        raise TaskError(
            f"the mock file {path} does not fit {annotation_text(returns)}: {problem.sentence}"
        ) from error


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)
