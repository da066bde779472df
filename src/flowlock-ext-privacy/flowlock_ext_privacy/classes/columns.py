"""Columns as integer codes, which the methods on tables compute with."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
# What pandas calls the contents of columns that hold Python objects.
_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")
_TIMES = ("datetime", "datetime64", "date")


class ColumnKind(Enum):
    """What the values of a column are: numbers and times have distances, words do not."""

    NUMBER = "number"
    TIME = "time"
    WORD = "word"


@dataclass(frozen=True, kw_only=True, slots=True)
class CodedColumn:
    """A column as codes: 0 for a missing value, and from 1 the distinct values in their order.

    `positions` has a number for each code: where its value is between the smallest (0) and the largest (1).
    Words are as far apart as their ranks. A missing value has the position 0 too; its code differs.
    """

    name: str
    kind: ColumnKind
    distinct: Sequence[Any]
    codes: IntArray
    positions: FloatArray


def coded_column(df: pd.DataFrame, name: str) -> CodedColumn:
    """Return a column of a table as codes."""
    column, kind = _sortable(df[name])
    codes, distinct = pd.factorize(column, sort=True)
    values = pd.Index(distinct).tolist()
    return CodedColumn(
        name=name,
        kind=kind,
        distinct=values,
        codes=codes.astype(np.int64) + 1,
        positions=np.concatenate(([0.0], _positions(values, kind))),
    )


def _sortable(column: "pd.Series[Any]") -> "tuple[pd.Series[Any], ColumnKind]":
    """Return a column whose values can be compared with each other; objects of several types become text."""
    types = pd.api.types
    dtype = column.dtype
    if types.is_datetime64_any_dtype(dtype):
        return column, ColumnKind.TIME
    number = types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype)
    if number and not types.is_complex_dtype(dtype):
        return column, ColumnKind.NUMBER
    if isinstance(dtype, pd.CategoricalDtype | pd.StringDtype):
        return column, ColumnKind.WORD
    content = types.infer_dtype(column, skipna=True) if types.is_object_dtype(dtype) else ""
    if content in _NUMBERS:
        return column, ColumnKind.NUMBER
    if content in _TIMES:
        return column, ColumnKind.TIME
    missing = column.isna()
    return column.astype(object).where(missing, column.astype(str)), ColumnKind.WORD


def _positions(values: Sequence[Any], kind: ColumnKind) -> FloatArray:
    if kind is ColumnKind.WORD:
        numbers = np.arange(len(values), dtype=np.float64)
    elif kind is ColumnKind.TIME:
        numbers = np.array([pd.Timestamp(value).timestamp() for value in values], dtype=np.float64)
    else:
        numbers = np.array([float(value) for value in values], dtype=np.float64)
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return np.zeros(len(numbers))
    span = finite[-1] - finite[0]
    if span == 0:
        # Only infinite values differ from the rest.
        positions: FloatArray = np.clip(numbers - finite[0], -1.0, 1.0) / 2 + 0.5
    else:
        positions = np.clip((numbers - finite[0]) / span, 0.0, 1.0)
    return positions


def combined(columns: Sequence[IntArray]) -> tuple[IntArray, int]:
    """Return a number for each row that is equal where all columns are equal, and how many there are."""
    together = np.zeros(len(columns[0]), dtype=np.int64)
    number = 1 if len(together) else 0
    for column in columns:
        size = int(column.max(initial=0)) + 1
        codes, distinct = pd.factorize(together * size + column)
        together, number = codes.astype(np.int64), len(distinct)
    return together, number


def row_classes(df: pd.DataFrame, columns: Sequence[str]) -> tuple[IntArray, int]:
    """Return the class of each row: rows with the same values, where a missing value is a value too."""
    return combined([coded_column(df, name).codes for name in columns])
