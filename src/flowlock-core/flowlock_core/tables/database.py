"""Tables of a database as Arrow has them: to tables of pandas and back, no value changed."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from flowlock_core.errors import TaskError
from flowlock_core.tables.columns import series_of
from flowlock_core.tables.writing import arrow_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    import pyarrow as pa

ArrowTable: TypeAlias = "pa.Table"
# What the driver notes of a column: the database's own name of its type.
_TYPE_NOTE = b"POSTGRESQL:type"
# The first and the last microsecond of the years 1 to 9999, counted from 1970: beyond lies `infinity`.
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896


def frame_of(table: ArrowTable) -> "pd.DataFrame":
    """Return what a query gives as a table; a TaskError names a column whose type is not read."""
    import pandas as pd

    if not table.column_names:
        raise TaskError("the query returns no table", parameter="query", hint="begin it with SELECT or WITH")
    for name in table.column_names:
        if table.column_names.count(name) > 1:
            raise TaskError(
                f"the query returns two columns named `{name}`",
                parameter="query",
                hint=f"give one of them another name: `AS {name}_2`",
            )
    columns = {name: _column(name, table.schema.field(name), table[name]) for name in table.column_names}
    return pd.DataFrame(columns)


def _column(name: str, field: Any, chunks: Any) -> "pd.Series[Any]":
    kind: str = (field.metadata or {}).get(_TYPE_NOTE, b"of unknown name").decode(errors="replace")
    convert = _READERS.get(kind)
    if convert is None:
        raise TaskError(
            f"the column `{name}` has the type {kind}, which is not supported",
            parameter="query",
            hint=f"write `{name}::text` in the query, or cast to another type",
        )
    return convert(name, chunks.combine_chunks())


def _plain(name: str, array: Any) -> "pd.Series[Any]":
    return series_of(name, array)


def _integers(name: str, array: Any) -> "pd.Series[Any]":
    import pyarrow as pa

    return series_of(name, array.cast(pa.int64()))


def _decimals(name: str, array: Any) -> "pd.Series[Any]":
    """Return numbers with all their digits; the driver gives them as texts."""
    import pandas as pd

    texts = array.storage.to_pylist()
    if "nan" in texts:
        raise TaskError(
            f"the column `{name}` contains NaN, which cannot be distinguished from a missing value",
            parameter="query",
            hint=f"write `NULLIF({name}, 'NaN')` in the query, or exclude the rows",
        )
    numbers = [None if text is None else Decimal(text) for text in texts]
    return pd.Series(numbers, name=name, dtype="object")


def _texts_in_storage(name: str, array: Any) -> "pd.Series[Any]":
    return series_of(name, array.storage)


def _uuids(name: str, array: Any) -> "pd.Series[Any]":
    import pyarrow as pa

    values = [None if value is None else str(UUID(bytes=value)) for value in array.storage.to_pylist()]
    return series_of(name, pa.array(values, pa.string()))


def _days(name: str, array: Any) -> "pd.Series[Any]":
    """Return days as times, as `load_table` reads them."""
    import pyarrow as pa

    _require_between(name, array.cast(pa.int32()), _FIRST_DAY, _LAST_DAY)
    return series_of(name, array.cast(pa.timestamp("us")))


def _times(name: str, array: Any) -> "pd.Series[Any]":
    import pyarrow as pa

    _require_between(name, array.cast(pa.int64()), _FIRST, _LAST)
    return series_of(name, array)


def _require_between(name: str, numbers: Any, least: int, most: int) -> None:
    import pyarrow.compute as pc

    limits = pc.min_max(numbers).as_py()
    if limits["min"] is not None and not least <= limits["min"] <= limits["max"] <= most:
        raise TaskError(
            f"the column `{name}` contains a time before the year 1, after the year 9999, or infinity",
            parameter="query",
            hint=f"write `NULLIF({name}, 'infinity')` in the query, or exclude the rows",
        )


_READERS: "Mapping[str, Callable[[str, Any], pd.Series[Any]]]" = {
    **dict.fromkeys(("int2", "int4", "int8"), _integers),
    **dict.fromkeys(("bool", "float4", "float8", "time", "bytea"), _plain),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "char"), _plain),
    **dict.fromkeys(("timestamp", "timestamptz"), _times),
    **dict.fromkeys(("json", "jsonb"), _texts_in_storage),
    "numeric": _decimals,
    "uuid": _uuids,
    "date": _days,
}


def arrow_of(df: "pd.DataFrame") -> ArrowTable:
    """Return a table with the types that a database has; a TaskError names the column that it cannot hold."""
    import pyarrow as pa

    table = arrow_table(df, "PostgreSQL", also=(bytes,), parameter="df")
    columns = {name: _for_database(name, table[name]) for name in table.column_names}
    return pa.table(columns)


def _for_database(name: str, chunks: Any) -> Any:
    import pyarrow as pa
    from pyarrow import types

    kind = chunks.type
    if types.is_dictionary(kind):
        return _for_database(name, chunks.cast(kind.value_type))
    changed = {
        pa.uint64(): pa.decimal128(20, 0),  # the driver would write those above 2**63 as negative ones
        pa.null(): pa.string(),
        pa.float16(): pa.float32(),
        pa.date64(): pa.date32(),
    }
    target = changed.get(kind, kind)
    if types.is_timestamp(kind):
        target = pa.timestamp("us", tz=kind.tz)
    elif types.is_duration(kind):
        target = pa.duration("us")
    elif types.is_time(kind):
        target = pa.time64("us")
    elif types.is_nested(kind):
        raise _cannot_hold(name, "nested values", "convert them to JSON strings")
    try:
        return chunks.cast(target)
    except pa.ArrowInvalid as error:
        raise _cannot_hold(name, "times more precise than a microsecond", "round them first") from error


def _cannot_hold(name: str, values: str, hint: str) -> TaskError:
    message = f"PostgreSQL cannot store the column `{name}`: it has {values}"
    return TaskError(message, parameter="df", hint=hint)
