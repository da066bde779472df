"""Tables on disk, and columns that must be there: what tasks about tables share."""

import json
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from flowlock_core.errors import TaskError, nearest

if TYPE_CHECKING:
    import pandas as pd

COLUMNS_SHOWN = 30
_NO_DATA = "FL730"
Cell: TypeAlias = str | int | float | bool | None


class TableFormat(Enum):
    """How a table is kept in a file."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


SUFFIXES = {
    ".csv": TableFormat.CSV,
    ".parquet": TableFormat.PARQUET,
    ".pq": TableFormat.PARQUET,
    ".json": TableFormat.JSON,
}


def format_of(name: str, chosen: TableFormat | None, parameter: str) -> TableFormat:
    """Return the chosen format, or the one that the file's suffix names."""
    if chosen is not None:
        return chosen
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise TaskError(
            f"the format of {name} cannot be told from its suffix",
            parameter=parameter,
            hint=f"use one of {', '.join(SUFFIXES)}, or set `format`",
        )
    return SUFFIXES[suffix]


def read_table(path: Path, chosen: TableFormat | None = None, parameter: str = "path") -> "pd.DataFrame":
    """Read a table; a TaskError names the parameter when the file is absent or of another format."""
    if not path.exists():
        raise TaskError(
            f"there is no file {path}", code=_NO_DATA, parameter=parameter, hint=_similar_file(path)
        )
    if path.is_dir():
        raise TaskError(f"{path} is a folder, a file is expected", code=_NO_DATA, parameter=parameter)
    kind = format_of(path.name, chosen, parameter)
    try:
        return _reader(kind)(path)
    except OSError as error:
        raise TaskError(
            f"cannot read {path}: {error.strerror or error}", code=_NO_DATA, parameter=parameter
        ) from error
    # pandas and pyarrow raise their own subclasses of ValueError for what they cannot parse.
    except ValueError as error:
        raise TaskError(
            f"{path} is no table in {kind.value.upper()} format: {error}",
            code=_NO_DATA,
            parameter=parameter,
            hint="check the file, or set `format`",
        ) from error


def _similar_file(path: Path) -> str | None:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent} either; relative paths start at the parameters file"
    here = sorted(item.name for item in path.parent.iterdir())
    return nearest(path.name, here) or "relative paths start at the folder of the parameters file"


def _reader(kind: TableFormat) -> "Callable[[Path], pd.DataFrame]":
    import pandas as pd

    match kind:
        case TableFormat.CSV:
            return pd.read_csv
        case TableFormat.PARQUET:
            return pd.read_parquet
        case TableFormat.JSON:
            return _read_json
        case _:
            assert_never(kind)


def _read_json(path: Path) -> "pd.DataFrame":
    import pandas as pd

    # Not pandas' reader: it guesses dates and numbers by column name, and takes what is no table.
    rows = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("a list of objects, one a row, is expected")
    return pd.DataFrame.from_records(rows)


def write_table(df: "pd.DataFrame", path: Path, kind: TableFormat) -> None:
    """Write a table without its index; dates in ISO 8601."""
    match kind:
        case TableFormat.CSV:
            df.to_csv(path, index=False, lineterminator="\n")
        case TableFormat.PARQUET:
            df.to_parquet(path, index=False)
        case TableFormat.JSON:
            df.to_json(path, orient="records", date_format="iso", indent=1)
        case _:
            assert_never(kind)


def require_columns(df: "pd.DataFrame", columns: Sequence[str], parameter: str) -> None:
    """Raise a TaskError that names the first absent column, those there are, and the nearest."""
    there = [str(column) for column in df.columns]
    for column in columns:
        if column not in df.columns:
            raise TaskError(
                f"there is no column `{column}`; the columns are {columns_shown(there)}",
                code="FL731",
                parameter=parameter,
                hint=nearest(column, there),
            )


def columns_shown(columns: Sequence[str]) -> str:
    """Return the names of a table's columns for a message, the first of them if there are many."""
    more = ", …" if len(columns) > COLUMNS_SHOWN else ""
    return ", ".join(columns[:COLUMNS_SHOWN]) + more or "none"


def cells_of(df: "pd.DataFrame") -> tuple[tuple[Cell, ...], ...]:
    """Return a table's rows as plain Python values; what is missing is None, dates are ISO 8601 text."""
    import pandas as pd

    def cell(value: Any) -> Cell:
        if pd.api.types.is_scalar(value) and pd.isna(value):
            return None
        if isinstance(value, pd.Timestamp):
            return value.isoformat() if value != value.normalize() else value.date().isoformat()
        plain = value.item() if hasattr(value, "item") else value
        return plain if isinstance(plain, str | int | float | bool) else str(plain)

    return tuple(tuple(map(cell, row)) for row in df.itertuples(index=False, name=None))


def require_times(df: "pd.DataFrame", column: str, parameter: str) -> None:
    """Raise a TaskError unless the column is there and holds dates or times."""
    from pandas.api.types import is_datetime64_any_dtype

    require_columns(df, [column], parameter)
    if not is_datetime64_any_dtype(df[column].dtype):
        raise TaskError(
            f"the column `{column}` holds no dates or times",
            parameter=parameter,
            hint=f"name it under `time_columns` of the step that loads the table: [{column}]",
        )


def to_times(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Read texts in ISO 8601, or in one other format, as times; ValueError if they are neither.

    Numbers are refused: pandas would take a year for nanoseconds since 1970.
    """
    import warnings

    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    if pd.api.types.is_numeric_dtype(column.dtype) and column.notna().any():
        raise ValueError(f"they are numbers ({column.dtype})")
    try:
        return pd.to_datetime(column, format="ISO8601")
    except ValueError:
        with warnings.catch_warnings():
            # It warns where it would guess the format of each value by itself.
            warnings.simplefilter("error")
            try:
                return pd.to_datetime(column)
            except UserWarning as warning:
                raise ValueError("they have no common format") from warning
