"""A task's exception as a problem: the line in the task's code, and the missing column if there is one."""

import inspect
import re
import reprlib
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sized
from pathlib import Path
from types import ModuleType
from typing import Any

from flowlock_core.errors import Location, Problem, nearest
from flowlock_core.tables import columns_shown

_SHORT = reprlib.Repr()
_SHORT.maxstring = 60


def failure(
    error: BaseException, *, task: str, func: Callable[..., Any], values: Mapping[str, Any]
) -> Problem:
    """Return the problem of an exception that a task did not mean to raise.

    `values` are the task's arguments: a KeyError about a column is reported with the columns that there are.
    """
    location = where_raised(error, func)
    column, columns = _absent_column(error, values.values())
    names = [name for name in inspect.signature(func).parameters if name in values]
    in_short = ", ".join(f"{name}={_value_in_short(values[name])}" for name in names)
    arguments = f"arguments: {in_short or 'none'}"
    if column is not None:
        return Problem(
            code="FL731",
            message=f"the task {task} uses the column `{column}`, which does not exist; "
            f"the columns are {columns_shown(columns)}",
            location=location,
            hint=nearest(column, columns),
            # The column says it all: a traceback would lead into pandas.
            detail=arguments,
        )
    return Problem(
        code="FL733",
        message=f"the task {task} failed: {type(error).__name__}: {error}",
        location=location,
        detail=f"{arguments}\n{_traceback_of(error)}",
    )


def _value_in_short(value: Any) -> str:
    if hasattr(value, "columns") and hasattr(value, "shape"):
        rows, columns = value.shape
        return f"<table of {rows} rows and {columns} columns>"
    if isinstance(value, str | int | float | bool | None):
        return _SHORT.repr(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Sized):
        return f"<{type(value).__name__} of {len(value)}>"
    # What an object of a class says of itself may be long, or secret.
    return f"<{type(value).__name__}>"


def _traceback_of(error: BaseException) -> str:
    """Write a traceback from the task's own code on; the frames of its callers are not helpful."""
    executor = Path(__file__).parent
    innermost = error.__traceback__
    while innermost is not None and innermost.tb_next is not None:
        if Path(innermost.tb_frame.f_code.co_filename).parent != executor:
            break
        innermost = innermost.tb_next
    return "".join(traceback.format_exception(type(error), error, innermost)).rstrip()


def where_raised(error: BaseException, func: Callable[..., Any]) -> Location | None:
    """Return the innermost line of a task's own package, None if the error passed none of it."""
    own = _source(func)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_in(frame.filename, own)]
    if not frames:
        return None
    last = frames[-1]
    column = None if last.colno is None else last.colno + 1
    return Location(file=last.filename, line=last.lineno, column=column)


def _source(func: Callable[..., Any]) -> Path:
    """Return the folder of the top package that contains a function, or its file if no package does."""
    module = sys.modules.get(func.__module__)
    code = getattr(inspect.unwrap(func), "__code__", None)
    file = Path(str(getattr(module, "__file__", None) or getattr(code, "co_filename", ""))).absolute()
    package = sys.modules.get(func.__module__.partition(".")[0])
    folders = [Path(folder) for folder in getattr(package, "__path__", ())]
    for folder in folders:
        if file.is_relative_to(folder):
            return folder
    return file


def _is_in(file: str, own: Path) -> bool:
    return Path(file).is_relative_to(own)


def _absent_column(error: BaseException, values: Iterable[Any]) -> tuple[str | None, list[str]]:
    """Return the column that a KeyError of pandas is about, and those of the tables among the values."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not _raised_by(pandas, error):
        return None, []
    columns = [str(name) for value in values if isinstance(value, pandas.DataFrame) for name in value.columns]
    if not columns:
        return None, []
    for name in _missing_keys(error):
        if name not in columns:
            return name, columns
    return None, columns


def _raised_by(pandas: ModuleType, error: BaseException) -> bool:
    """Return whether an error is a KeyError that pandas itself raised."""
    if not isinstance(error, KeyError) or not error.args:
        return False
    last = traceback.extract_tb(error.__traceback__)[-1]
    return _is_in(last.filename, Path(pandas.__path__[0]))


def _missing_keys(error: BaseException) -> list[str]:
    """Return the names in a KeyError of pandas."""
    key = error.args[0]
    if not isinstance(key, str):
        return []
    # When several columns were requested, the key is a sentence that quotes the missing ones.
    if re.search(r"not in index|are in the \[columns\]", key):
        return re.findall(r"'([^']*)'", key)
    return [key]
