"""Tables in Parquet and Excel files."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import TaskError
from flowlock_core.tables.columns import Columns, column_of_values, series_of
from flowlock_core.tables.delimited import header_names, require_names

if TYPE_CHECKING:
    import pandas as pd

_NO_DATA = "FL730"


def read_parquet(path: Path, said: Columns) -> "pd.DataFrame":
    """Read a table; its named index becomes columns, and integers with missing values stay integers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        require_names(table.column_names, str(path))
        df = table.to_pandas()
    except (FileNotFoundError, PermissionError):
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TaskError(
            f"{path} is not a Parquet file, or it is damaged",
            code=_NO_DATA,
            parameter="path",
            hint="check the file, or set `format`",
        ) from error
    for name in table.column_names:
        # Without pandas' own notes, pandas makes floats of integers with missing values.
        if (
            name in df.columns
            and df[name].dtype in ("float64", "object")
            and _has_missing_integers(table[name])
        ):
            df[name] = series_of(name, table[name].combine_chunks()).array
    df = with_index_as_columns(df, "path")
    said.require([str(name) for name in df.columns])
    return df[[name for name in df.columns if said.wants(name)]]


def _has_missing_integers(array: Any) -> bool:
    """Return whether a column of integers or booleans has missing values."""
    from pyarrow import types

    return bool(array.null_count and (types.is_integer(array.type) or types.is_boolean(array.type)))


def with_index_as_columns(df: "pd.DataFrame", parameter: str) -> "pd.DataFrame":
    """Return a table with its named index as columns; an index of row numbers is left out.

    Labels without a name are a TaskError, because no column can store them.
    """
    names = list(df.index.names)
    if all(name is None for name in names):
        if df.index.nlevels == 1 and (df.index.dtype.kind in "iu" or df.empty):
            return df.reset_index(drop=True)
        raise TaskError(
            "the index of the table has no name",
            parameter=parameter,
            hint="name the index (df.index.name), or drop it (df.reset_index(drop=True))",
        )
    twice = [name for name in names if name is None or name in df.columns]
    if twice:
        raise TaskError(
            f"the table's index cannot become a column: the name {twice[0]} is missing or used by a column",
            parameter=parameter,
        )
    return df.reset_index()


def read_excel(path: Path, said: Columns, sheet: str | None) -> "pd.DataFrame":
    """Read a sheet whose first row has the names of the columns; a TaskError names what is ambiguous."""
    import pandas as pd

    rows = [list(row) for row in _cells(path, sheet)]
    while rows and all(cell is None for cell in rows[-1]):
        rows.pop()
    if not rows:
        raise TaskError(
            f"{path}: the sheet is empty", code=_NO_DATA, parameter="path", hint="set `sheet` to another one"
        )
    width = max(_filled(row) for row in rows)
    names = header_names(rows[0][:width])
    require_names(names, f"{path}, row 1")
    said.require(names)
    columns = {}
    for number, name in enumerate(names):
        if said.wants(name):
            columns[name] = column_of_values(name, [row[number] for row in rows[1:]], said)
    return pd.DataFrame(columns)


def _filled(row: Sequence[Any]) -> int:
    """Return how many cells a row has up to the last one that is not empty."""
    for number in range(len(row), 0, -1):
        if row[number - 1] is not None:
            return number
    return 0


def _cells(path: Path, sheet: str | None) -> list[tuple[Any, ...]]:
    if find_spec("openpyxl") is None:
        raise TaskError(
            "the environment has no package that can read Excel files",
            code=_NO_DATA,
            parameter="path",
            hint='add `- {name: openpyxl, version: ">=3.1"}` to `requirements` of the spec, '
            "or save the sheet as CSV",
        )
    from zipfile import BadZipFile

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        values = openpyxl.load_workbook(path, read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(path, read_only=True, data_only=False)
    # zipfile, xml and openpyxl each have their own errors for files that are not workbooks.
    except (BadZipFile, InvalidFileException, ValueError, KeyError, OSError, SyntaxError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise _not_excel(path) from error
    name = _sheet(path, values.sheetnames, sheet)
    rows = list(values[name].iter_rows(values_only=True))
    _require_computed(path, rows, list(formulas[name].iter_rows(values_only=True)))
    return rows


def _not_excel(path: Path) -> TaskError:
    return TaskError(
        f"{path} is not an Excel file (.xlsx), or it is damaged",
        code=_NO_DATA,
        parameter="path",
        hint="save it as .xlsx or as CSV",
    )


def _sheet(path: Path, names: Sequence[str], sheet: str | None) -> str:
    if sheet in names:
        return str(sheet)
    if sheet is None and len(names) == 1:
        return names[0]
    listed = ", ".join(names)
    message = f"{path} has {len(names)} sheets: {listed}"
    if sheet is not None:
        message = f"{path} has no sheet `{sheet}`; its sheets are {listed}"
    raise TaskError(message, code=_NO_DATA, parameter="sheet", hint=f"set `sheet`, for example {names[0]}")


def _require_computed(path: Path, rows: Sequence[Sequence[Any]], formulas: Sequence[Sequence[Any]]) -> None:
    """Refuse a formula whose value is not in the file: it would be read as missing."""
    for number, (row, written) in enumerate(zip(rows, formulas, strict=False), 1):
        for value, text in zip(row, written, strict=False):
            if value is None and isinstance(text, str) and text.startswith("="):
                raise TaskError(
                    f"{path}, row {number}: the value of the formula {text} is not stored in the file",
                    code=_NO_DATA,
                    parameter="path",
                    hint="open the file in a spreadsheet program and save it",
                )
