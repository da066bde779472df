"""Tables of pandas: what is digested of them, and which come back from Arrow as they were."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import feather

from flowlock_core.store.errors import UndigestibleError

Update = Callable[[Any], Any]
Write = Callable[[Update, Any], None]
_SCALARS = (pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval, type(pd.NaT), type(pd.NA))
# Booleans, numbers, times and durations of NumPy.
_NUMBERS = "biufcMm"
_MASKED = (
    *(pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype, pd.Int64Dtype),
    *(pd.UInt8Dtype, pd.UInt16Dtype, pd.UInt32Dtype, pd.UInt64Dtype),
    *(pd.Float32Dtype, pd.Float64Dtype, pd.BooleanDtype),
)
# Numbers and booleans, times and durations of NumPy; the other types that come back from Arrow.
_EXACT_KINDS = "biufMm"
_EXACT_NAMES = frozenset(
    ("str", "string", "boolean", *(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)))
)


def write_pandas(update: Update, value: Any, write: Write) -> None:
    """Write a table, a column, an index or a scalar of pandas, or a table of geopandas, for its digest."""
    if type(value) is pd.DataFrame:
        _write_frame(update, value, write)
    elif type(value).__name__ == "GeoDataFrame" and value.columns.is_unique:
        _write_geographic(update, value, write)
    elif type(value) is pd.Series:
        write(update, ["series", value.name, value.attrs])
        _write_frame(update, value.to_frame("0"), write)
    elif isinstance(value, pd.Index):
        _write_index(update, value, write)
    elif isinstance(value, _SCALARS):
        write(update, [type(value).__name__, repr(value), getattr(value, "unit", "")])
    else:
        raise UndigestibleError(f"{type(value).__module__}.{type(value).__qualname__}")


def _write_geographic(update: Update, value: Any, write: Write) -> None:
    """Write a table of geopandas: its CRS in full, its geometries as WKB."""
    names = [name for name, dtype in value.dtypes.items() if str(dtype) == "geometry"]
    systems = [value[name].crs.to_wkt() if value[name].crs else None for name in names]
    write(update, ["geographic", value.active_geometry_name, names, systems])
    shapes = {name: value[name].to_wkb() for name in names}
    _write_frame(update, pd.DataFrame(value).assign(**shapes), write)


def _write_frame(update: Update, df: pd.DataFrame, write: Write) -> None:
    write(update, ["frame", len(df), df.attrs, list(df.columns.names), type(df.columns).__name__])
    write(update, [[name, *_dtype_in_full(dtype)] for name, dtype in zip(df.columns, df.dtypes, strict=True)])
    _write_index(update, df.index, write)
    _write_columns(update, df, write)


def _write_index(update: Update, index: Any, write: Write) -> None:
    if type(index) is pd.RangeIndex:
        write(update, ["range", index.start, index.stop, index.step, index.name])
        return
    freq = str(getattr(index, "freq", None))
    write(update, [type(index).__name__, list(index.names), freq, len(index)])
    levels = [index.get_level_values(number) for number in range(index.nlevels)]
    write(update, [_dtype_in_full(level.dtype) for level in levels])
    columns = {str(number): pd.Series(level) for number, level in enumerate(levels)}
    _write_columns(update, pd.DataFrame(columns), write)


def _dtype_in_full(dtype: Any) -> list[str]:
    if isinstance(dtype, pd.CategoricalDtype):
        return ["category", str(dtype.categories.dtype), str(dtype.ordered)]
    return [str(dtype)]


def _write_columns(update: Update, df: pd.DataFrame, write: Write) -> None:
    for number in range(df.shape[1]):
        _write_column(update, df.iloc[:, number], write)


def _write_column(update: Update, column: Any, write: Write) -> None:
    """Write the values of a column as memory has them, missing ones apart; its type is written before."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        _write_numbers(update, column.cat.codes.to_numpy(), write)
        _write_column(update, pd.Series(dtype.categories), write)
    elif isinstance(dtype, pd.StringDtype):
        _write_texts(update, pa.array(column.array), write)
    elif isinstance(dtype, pd.DatetimeTZDtype | pd.PeriodDtype):
        _write_numbers(update, column.array.asi8, write)
    elif isinstance(dtype, pd.IntervalDtype):
        _write_column(update, pd.Series(column.array.left), write)
        _write_column(update, pd.Series(column.array.right), write)
    elif isinstance(dtype, _MASKED):
        _write_numbers(update, column.isna().to_numpy(), write)
        of_numpy: Any = dtype
        _write_numbers(update, column.array.to_numpy(dtype=of_numpy.numpy_dtype, na_value=0), write)
    elif isinstance(dtype, np.dtype) and dtype.kind in _NUMBERS:
        _write_numbers(update, column.to_numpy(), write)
    else:
        # Objects, and types of other libraries: one by one.
        write(update, column.tolist())


def _write_numbers(update: Update, values: Any, write: Write) -> None:
    write(update, ["numbers", len(values)])
    update(np.ascontiguousarray(values).view(np.uint8).data)


def _write_texts(update: Update, values: Any, write: Write) -> None:
    """Write texts: which are missing, their lengths, their bytes one behind the other.

    (Arrow's own stream has bytes of other rows where an array is a part of a longer one.)
    """
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    missing = whole.is_null().to_numpy(zero_copy_only=False)
    filled = whole.cast(pa.large_string()).fill_null("")
    _, offsets, data = filled.buffers()
    ends = np.frombuffer(offsets, np.int64)[filled.offset : filled.offset + len(filled) + 1]
    _write_numbers(update, missing, write)
    _write_numbers(update, np.diff(ends), write)
    if len(filled) and data is not None:
        update(memoryview(data)[ends[0] : ends[-1]])


def is_exact_in_arrow(df: Any) -> bool:
    """Return whether a table comes back from Arrow as it was: names, types, index and all."""
    if type(df) is not pd.DataFrame:
        return False
    names = list(df.columns)
    return (
        type(df.index) is pd.RangeIndex
        and isinstance(df.index.name, str | None)
        and df.columns.name is None
        and not df.attrs
        and all(type(name) is str for name in names)
        and len(set(names)) == len(names)
        and type(df.columns) is pd.Index
        and all(map(_is_exact, df.dtypes))
    )


def _is_exact(dtype: Any) -> bool:
    if isinstance(dtype, pd.DatetimeTZDtype):
        return str(dtype.tz) == "UTC"
    return dtype.kind in _EXACT_KINDS if not hasattr(dtype, "na_value") else str(dtype) in _EXACT_NAMES


def to_arrow(df: Any) -> Any:
    """Return a table as the bytes of an Arrow file."""
    sink = pa.BufferOutputStream()
    feather.write_feather(df, sink, compression="uncompressed")
    return memoryview(sink.getvalue())


def from_arrow(data: bytes) -> Any:
    """Read a table that `to_arrow` has written."""
    return feather.read_feather(pa.BufferReader(data))
