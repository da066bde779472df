"""Tables as JSON, a list of objects, one per row: every digit and every nanosecond is kept, both ways."""

import json
import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from flowlock_core.documents import decoded, place_of_byte
from flowlock_core.errors import TaskError
from flowlock_core.tables.columns import Columns, column_of_values, keeps_digits

if TYPE_CHECKING:
    import pandas as pd

_NO_DATA = "FL730"


def read_json_rows(path: Path, said: Columns) -> "pd.DataFrame":
    """Read a table; a TaskError has the place where the file is not a list of objects."""
    import pandas as pd

    rows = _parsed(path)
    if not isinstance(rows, list):
        raise _refused(path, "expected a list of objects, one for each row")
    names: dict[str, None] = {}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise _refused(path, f"item {number} of the list is not an object")
        if "" in row:
            raise _refused(path, f"item {number} of the list has an empty key")
        names |= dict.fromkeys(row)
    said.require(list(names))
    series = {}
    for name in names:
        if said.wants(name):
            series[name] = column_of_values(name, [row.get(name) for row in rows], said)
    return pd.DataFrame(series)


def _parsed(path: Path) -> Any:
    data = path.read_bytes()
    try:
        text = decoded(data)
    except UnicodeDecodeError as error:
        line, column = place_of_byte(data, error.start)
        raise _refused(path, f"line {line}, column {column} is not {error.encoding.upper()}") from error
    if not text.strip():
        raise _refused(path, "the file is empty")
    try:
        return json.loads(
            text, parse_float=_number, parse_constant=_no_constant, object_pairs_hook=_without_repetition
        )
    except json.JSONDecodeError as error:
        reason = f"line {error.lineno}, column {error.colno}: {error.msg[0].lower()}{error.msg[1:]}"
        raise _refused(path, reason) from error
    except RecursionError as error:
        raise _refused(path, "its values are nested too deeply") from error
    except ValueError as error:
        raise _refused(path, str(error)) from error


def _refused(path: Path, reason: str) -> TaskError:
    return TaskError(
        f"{path} cannot be read as a JSON table: {reason}",
        code=_NO_DATA,
        parameter="path",
        hint="check the file, or set `format`",
    )


def _number(text: str) -> float | Decimal:
    """Return a number, as a Decimal if a float does not have its digits."""
    return float(text) if keeps_digits(text) else Decimal(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has the key `{twice}` twice")
    return row


def rows_of(df: "pd.DataFrame", names: Sequence[str]) -> list[dict[str, Any]]:
    """Return a table's rows as values of JSON; what is missing is None, times are ISO 8601.

    JSON has no infinite numbers: they are the texts `Infinity` and `-Infinity`.
    """
    columns = [list(map(plain_value, df.iloc[:, number].tolist())) for number in range(len(names))]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def plain_value(value: Any) -> Any:
    """Return a value as JSON has it, in text where JSON has no type for it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, dict):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(item) for item in value]
    return _text_of(value)


def _finite(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    # A subclass, numpy's for example, would be written as its own name says.
    return float(value)


def _text_of(value: Any) -> Any:
    import pandas as pd

    if hasattr(value, "tolist"):
        return plain_value(value.tolist())
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, Decimal):
        return None if value.is_nan() else str(value)
    if isinstance(value, pd.Timestamp | pd.Timedelta | datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return pd.Timedelta(value).isoformat()
    return str(value)
