"""Tables on disk: which format a file has, and what reads and writes it."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never

from flowlock_core.errors import TaskError, nearest
from flowlock_core.tables.columns import Columns

if TYPE_CHECKING:
    import pandas as pd

_NO_DATA = "FL730"
_WHERE_PATHS_START = (
    "relative paths start at the folder of the parameters file; those of a service, at its first data folder"
)


class TableFormat(Enum):
    """How a table is kept in a file."""

    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"
    JSON = "json"
    EXCEL = "excel"


WrittenFormat: TypeAlias = Literal["csv", "tsv", "parquet", "json"]

SUFFIXES = {
    ".csv": TableFormat.CSV,
    ".txt": TableFormat.CSV,
    ".tsv": TableFormat.TSV,
    ".tab": TableFormat.TSV,
    ".parquet": TableFormat.PARQUET,
    ".pq": TableFormat.PARQUET,
    ".json": TableFormat.JSON,
    ".xlsx": TableFormat.EXCEL,
    ".xlsm": TableFormat.EXCEL,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What is said about a file with a table; all that is not said is found out, where that is certain."""

    format: TableFormat | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    columns: Columns = field(default_factory=Columns)


def format_of(name: str, chosen: TableFormat | None, parameter: str) -> TableFormat:
    """Return the chosen format, or the one that the file's suffix names."""
    if chosen is not None:
        return chosen
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise TaskError(
            f"the suffix of {name} is not a known format",
            parameter=parameter,
            hint=f"use one of {', '.join(SUFFIXES)}, or set `format`",
        )
    return SUFFIXES[suffix]


def read_table(path: Path, source: Source | None = None, parameter: str = "path") -> "pd.DataFrame":
    """Read a table; a TaskError names the parameter when the file is absent or of another format."""
    source = source or Source()
    require_file(path, parameter)
    kind = format_of(path.name, source.format, parameter)
    _require_fitting(source, kind)
    try:
        return _read(path, source, kind)
    except OSError as error:
        raise unreadable(path, error.strerror or str(error), parameter) from error


def require_file(path: Path, parameter: str) -> None:
    """Raise a TaskError unless a path is that of a file."""
    if not path.exists():
        raise TaskError(
            f"file {path} does not exist", code=_NO_DATA, parameter=parameter, hint=_similar_file(path)
        )
    if path.is_dir():
        raise TaskError(f"{path} is a folder, not a file", code=_NO_DATA, parameter=parameter)


def unreadable(path: Path, reason: str, parameter: str) -> TaskError:
    """Return the error of a file that cannot be read."""
    return TaskError(f"cannot read {path}: {reason}", code=_NO_DATA, parameter=parameter)


def _similar_file(path: Path) -> str | None:
    if not path.parent.is_dir():
        return f"folder {path.parent} does not exist either; {_WHERE_PATHS_START}"
    here = sorted(item.name for item in path.parent.iterdir())
    return nearest(path.name, here) or _WHERE_PATHS_START


def _require_fitting(source: Source, kind: TableFormat) -> None:
    """Raise a TaskError for what is said about another format than the file's."""
    settings: dict[str, object] = {}
    if kind not in (TableFormat.CSV, TableFormat.TSV):
        settings |= {"delimiter": source.delimiter, "decimal": source.decimal, "encoding": source.encoding}
    if kind is not TableFormat.EXCEL:
        settings["sheet"] = source.sheet
    if kind is TableFormat.PARQUET:
        settings |= _said_of_types(source.columns)
    for name, value in settings.items():
        if value is not None:
            raise TaskError(
                f"`{name}` does not apply to a file in the format {kind.value}",
                parameter=name,
                hint="remove it, or set `format`",
            )


def _said_of_types(columns: Columns) -> dict[str, object]:
    """Return what is said about the types of columns, which those of Parquet have themselves."""
    return {
        "text_columns": columns.texts or None,
        "number_columns": columns.numbers or None,
        "decimal_columns": columns.decimals or None,
        "null_words": columns.null_words,
    }


def _read(path: Path, source: Source, kind: TableFormat) -> "pd.DataFrame":
    from flowlock_core.tables.binary import read_excel, read_parquet
    from flowlock_core.tables.delimited import read_delimited
    from flowlock_core.tables.json_rows import read_json_rows

    match kind:
        case TableFormat.CSV | TableFormat.TSV:
            tab = "\t" if kind is TableFormat.TSV else None
            return read_delimited(
                path,
                source.columns,
                delimiter=source.delimiter or tab,
                decimal=source.decimal,
                encoding=source.encoding,
            )
        case TableFormat.PARQUET:
            return read_parquet(path, source.columns)
        case TableFormat.JSON:
            return read_json_rows(path, source.columns)
        case TableFormat.EXCEL:
            return read_excel(path, source.columns, source.sheet)
        case _:
            assert_never(kind)


def write_table(df: "pd.DataFrame", path: Path, kind: TableFormat) -> None:
    """Write a table; a TaskError names the column that the format cannot hold."""
    from flowlock_core.tables.writing import write_delimited, write_json_rows, write_parquet

    match kind:
        case TableFormat.CSV:
            write_delimited(df, path, ",")
        case TableFormat.TSV:
            write_delimited(df, path, "\t")
        case TableFormat.PARQUET:
            write_parquet(df, path)
        case TableFormat.JSON:
            write_json_rows(df, path)
        case TableFormat.EXCEL:
            raise TaskError(
                "tables cannot be written as Excel files",
                parameter="filename",
                hint="choose a name that ends in .csv, .parquet or .json",
            )
        case _:
            assert_never(kind)
