"""Tables to files: what a format cannot hold is refused by the name of its column."""

import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import TaskError
from flowlock_core.tables.binary import with_index_as_columns
from flowlock_core.tables.certainty import unmarked_columns
from flowlock_core.tables.columns import (
    FALSE_WORDS,
    NULL_WORDS,
    TRUE_WORDS,
    number_pattern,
)
from flowlock_core.tables.delimited import require_names
from flowlock_core.tables.json_rows import plain_value, rows_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_SYNTAX = re.compile(r'["\r\n,;|\t]')
_NUMBER = re.compile(number_pattern("."))
_COMMA_NUMBER = re.compile(number_pattern(","))
_WORDS = frozenset((*TRUE_WORDS, *FALSE_WORDS))
_JSON_TYPES = {str, bool, int, float, list, dict}
_TIME_TYPES = (datetime, date, time, timedelta)


def write_delimited(df: "pd.DataFrame", path: Path, delimiter: str) -> None:
    """Write a table so that it can be read as what it is: texts like `1` and `` in quotes, times in ISO 8601.

    What is missing is an empty field.
    """
    df = _plain_table(df)
    if delimiter == ",":
        for name in df.columns:
            _require_marked_texts(df[name], str(name))
    fields = [_fields(df[name], str(name)) for name in df.columns]
    header = [_name_field(str(name), alone=len(df.columns) == 1) for name in df.columns]
    lines = [delimiter.join(header), *(delimiter.join(row) for row in zip(*fields, strict=True))]
    content = "\n".join(lines) + "\n"
    if any(name.startswith('"') for name in header):
        _require_marked_columns(content, delimiter, df)
    _write(path, content)


def _require_marked_columns(content: str, delimiter: str, df: "pd.DataFrame") -> None:
    """Refuse a table in which every field has quotes, so that they do not mark strings like `1` as such."""
    for number in sorted(unmarked_columns(content, delimiter)):
        hint = "save as JSON or Parquet, or choose names without spaces and delimiters"
        name = str(df.columns[number])
        raise _cannot_hold("CSV", name, "only quoted strings below a header of quoted names", hint)


def write_json_rows(df: "pd.DataFrame", path: Path) -> None:
    """Write a table as a list of objects, one per row; no digit is rounded."""
    df = _plain_table(df)
    for name in df.columns:
        column = df[name]
        kinds = _require_kinds(column, str(name), "JSON", also=(list, dict))
        if len(kinds) > 1 and not kinds <= _JSON_TYPES:
            raise _cannot_hold("JSON", str(name), "values of several types", "convert them all to strings")
        if any(isinstance(value, float) and math.isinf(value) for value in column.tolist()):
            raise _cannot_hold("JSON", str(name), "an infinite number", "save as CSV or Parquet")
    rows = rows_of(df, [str(name) for name in df.columns])
    _write(path, json.dumps(rows, ensure_ascii=False, indent=1) + "\n")


def write_parquet(df: "pd.DataFrame", path: Path) -> None:
    """Write a table with the types of its columns, categories and their order included."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = arrow_table(df, "Parquet", also=(list, dict, bytes))
    try:
        pq.write_table(table, path)
    except pa.ArrowException as error:
        raise TaskError(f"Parquet cannot store this table: {error}", parameter="format") from error


def arrow_table(
    df: "pd.DataFrame", what: str, *, also: Sequence[type] = (), parameter: str = "format"
) -> "pa.Table":
    """Return a table as Arrow has it; a TaskError names the column that `what` cannot hold.

    `also` are the kinds of Python values that it can hold, in addition to texts, numbers and times.
    """
    import pyarrow as pa

    df = _plain_table(df)
    try:
        for name in df.columns:
            _require_arrow(df[name], str(name), what, also)
    except TaskError as error:
        error.parameter = parameter
        raise
    return pa.Table.from_pandas(df, preserve_index=False)


def _require_arrow(column: "pd.Series[Any]", name: str, what: str, also: Sequence[type]) -> None:
    import pyarrow as pa

    _require_one_kind(column, name, what, also=also)
    try:
        pa.Table.from_pandas(column.to_frame(), preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise _cannot_hold(what, name, f"values of the type {column.dtype}", None) from error


def _plain_table(df: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table whose columns have distinct texts for names, and whose index is among them."""
    df = with_index_as_columns(df, "df")
    names = [str(name) for name in df.columns]
    require_names(names, "the table to save")
    return df.set_axis(names, axis="columns")


def _write(path: Path, text: str) -> None:
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise TaskError(
            "a string in the table contains half of a surrogate pair, which is not a character",
            parameter="df",
        ) from error
    path.write_bytes(data)


def _cannot_hold(what: str, name: str, values: str, hint: str | None) -> TaskError:
    return TaskError(
        f"{what} cannot store the column `{name}`: it has {values}", parameter="format", hint=hint
    )


def _require_one_kind(column: "pd.Series[Any]", name: str, what: str, *, also: Sequence[type] = ()) -> None:
    """Raise a TaskError if a column mixes kinds of values, or has some that a file cannot hold."""
    kinds = _require_kinds(column, name, what, also=also)
    if len(kinds) > 1:
        names = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise _cannot_hold(what, name, f"values of several types ({names})", "convert them all to strings")


def _require_kinds(column: "pd.Series[Any]", name: str, what: str, *, also: Sequence[type]) -> set[type]:
    """Return the kinds of Python values in a column; a TaskError if a file cannot hold one of them."""
    if column.dtype != "object":
        return set()
    kinds = {_kind_of(value) for value in column.dropna().tolist()}
    allowed: tuple[type, ...] = (str, bool, int, float, Decimal, *_TIME_TYPES, *also)
    foreign = sorted(kind.__name__ for kind in kinds if not issubclass(kind, allowed))
    if foreign:
        raise _cannot_hold(what, name, f"values of the type {foreign[0]}", "remove the column")
    return kinds


def _kind_of(value: Any) -> type:
    kind: type = type(value)
    for plain in (bool, int, float, str):
        if isinstance(value, plain):
            return plain
    return kind


def _fields(column: "pd.Series[Any]", name: str) -> list[str]:
    """Return the fields of a column, those of texts in quotes where they could be read as something else."""
    from pandas import CategoricalDtype

    if isinstance(column.dtype, CategoricalDtype):
        column = column.astype(column.dtype.categories.dtype)
    _require_one_kind(column, name, "CSV")
    _require_short_integers(column, name)
    write = _writer(column)
    fields = []
    for value in column.tolist():
        # JSON has no infinite numbers, a text file has.
        plain = value if isinstance(value, float) else plain_value(value)
        absent = plain is None or (isinstance(plain, float) and math.isnan(plain))
        fields.append("" if absent else write(plain))
    return fields


def _require_marked_texts(column: "pd.Series[Any]", name: str) -> None:
    """Refuse texts that are all numbers with a comma: quotes around them are needed, and so mark no text."""
    texts = [value for value in column.dropna().tolist() if isinstance(value, str)]
    numbers = [text for text in texts if text and text not in NULL_WORDS]
    if numbers and all("," in text and _COMMA_NUMBER.match(text) for text in numbers):
        hint = "save as TSV, JSON or Parquet, or convert the column to numbers"
        raise _cannot_hold("CSV", name, "only strings that would be read as numbers", hint)


def _require_short_integers(column: "pd.Series[Any]", name: str) -> None:
    if column.dtype == "object":
        for value in column.dropna().tolist():
            if isinstance(value, int) and not -(2**63) <= value < 2**64:
                raise _cannot_hold("CSV", name, "integers of more than 64 bits", "convert them to strings")


def _writer(column: "pd.Series[Any]") -> Callable[[Any], str]:
    """Return what writes a value of a column that JSON's rules made plain."""
    import pandas as pd

    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _value_field
    times = column.dropna()
    days = times.dt.tz is None and bool((times == times.dt.normalize()).all())
    return _day_field if days else str


def _day_field(text: str) -> str:
    return text.partition("T")[0]


def _value_field(value: Any) -> str:
    """Return a value as a field; a text is quoted if it has a delimiter or could be read as another type."""
    if isinstance(value, str):
        typed = value == "" or value in _WORDS or _NUMBER.match(value) or _COMMA_NUMBER.match(value)
        return _in_quotes(value) if typed or _SYNTAX.search(value) else value
    if isinstance(value, float):
        return repr(value)
    return str(value)


def _name_field(name: str, *, alone: bool) -> str:
    """Return a name as a field of the header; it is read as a string whatever it looks like."""
    return _in_quotes(name) if _SYNTAX.search(name) or (alone and " " in name) else name


def _in_quotes(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
