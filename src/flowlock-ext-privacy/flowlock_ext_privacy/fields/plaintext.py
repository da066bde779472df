"""Values as bytes and back: equal values have equal bytes, and the bytes say their type."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from flowlock_core.errors import TaskError
from flowlock_ext_privacy.classes.columns import IntArray

# Beyond this, a float is not exact for each integer.
_EXACT = 2**53
_LARGEST = 2**63


def plaintext(value: Any) -> bytes:
    """Return the bytes of a value; TypeError for a type that has none.

    7 and 7.0 are equal, as in a join: a column of integers becomes fractions where a value is missing.
    """
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float) and plain.is_integer() and abs(plain) < _EXACT:
        plain = int(plain)
    for kind, of_type, text in _WRITTEN:
        if isinstance(plain, of_type):
            return f"{kind}{text(plain)}".encode("utf-8", "surrogatepass")
    raise TypeError(type(value).__name__)


def _shortest(number: Decimal) -> str:
    """Write a number without zeros at its end: 1.10 and 1.1 are equal."""
    if not number:
        return "0"
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# A letter for each type, the first that fits: True is an integer for Python, and a time is a day.
_WRITTEN: tuple[tuple[str, type, Callable[[Any], str]], ...] = (
    ("s", str, str),
    ("b", bool, str),
    ("i", int, str),
    ("f", float, repr),
    ("d", Decimal, _shortest),
    ("t", datetime, lambda value: str(pd.Timestamp(value).isoformat())),
    ("y", date, date.isoformat),
)
_READ: dict[str, Callable[[str], Any]] = {
    "s": str,
    "b": lambda text: text == "True",
    "i": int,
    "f": float,
    "d": Decimal,
    "t": pd.Timestamp,
    "y": date.fromisoformat,
}


def value_of(data: bytes) -> Any:
    """Return the value of bytes that `plaintext` has made."""
    text = data.decode("utf-8", "surrogatepass")
    return _READ[text[0]](text[1:])


def column_of(values: Sequence[Any], like: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return values, in which None is missing, as a column of their type in the place of another."""
    column: pd.Series[Any] = pd.Series(
        list(values), index=like.index, name=like.name, dtype=_dtype_of(values)
    )
    return column


def _dtype_of(values: Sequence[Any]) -> Any:
    """Return the type of a column; None lets pandas find its own, which it does for texts and for times."""
    types = {type(value) for value in values if value is not None}
    if types in ({str}, {pd.Timestamp}):
        return None
    if types in ({float}, {int, float}):
        return "float64"
    if types == {int}:
        numbers = [value for value in values if value is not None]
        return "Int64" if min(numbers) >= -_LARGEST and max(numbers) < _LARGEST else object
    return object


def coded_plaintexts(df: pd.DataFrame, name: str) -> tuple[IntArray, list[bytes]]:
    """Return the distinct bytes of a column, and for each row the position of its bytes; -1 if missing."""
    column = df[name]
    try:
        if pd.api.types.is_object_dtype(column.dtype):
            return _coded_objects(column)
        codes, distinct = pd.factorize(column)
        return codes.astype(np.int64), [plaintext(value) for value in pd.Index(distinct)]
    except TypeError as error:
        raise TaskError(
            f"the column `{name}` has values of the type {error}, which cannot be protected",
            parameter="columns",
            hint="texts, numbers, booleans, dates and times can be",
        ) from error


def _coded_objects(column: "pd.Series[Any]") -> tuple[IntArray, list[bytes]]:
    """Do that by the bytes: 1, 1.0 and True are the same for a hash table of objects."""
    positions: dict[bytes, int] = {}
    codes = np.full(len(column), -1, dtype=np.int64)
    for row, (value, missing) in enumerate(zip(column, column.isna(), strict=True)):
        if not missing:
            codes[row] = positions.setdefault(plaintext(value), len(positions))
    return codes, list(positions)


def replaced(df: pd.DataFrame, name: str, replace: Callable[[bytes], str]) -> "pd.Series[Any]":
    """Return a column in which each distinct value was replaced once; missing values stay missing."""
    codes, distinct = coded_plaintexts(df, name)
    # The code of a missing value, -1, is the last position.
    texts = np.array([*map(replace, distinct), None], dtype=object)
    return column_of(texts[codes].tolist(), df[name])
