"""Which values of a column are among some others: compared as what the column holds, never across kinds."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from flowlock_core.documents.times import is_day, parse_time
from flowlock_core.errors import TaskError

if TYPE_CHECKING:
    import pandas as pd

Value: TypeAlias = str | int | float | bool
_PARAMETER = "values"


def matching(column: "pd.Series[Any]", name: str, values: Sequence[Value]) -> "pd.Series[Any]":
    """Return whether each value of a column is among some values; a TaskError if the types do not match."""
    from pandas.api import types

    dtype = column.dtype
    if isinstance(dtype, types.CategoricalDtype):
        return matching(column.astype(dtype.categories.dtype), name, values)
    if column.isna().all():
        return column.notna()
    if types.is_datetime64_any_dtype(dtype):
        return _among_times(column, name, values)
    if dtype == "object":
        return _among_objects(column, name, values)
    held: tuple[str, tuple[type, ...]] = "texts", (str,)
    if types.is_bool_dtype(dtype):
        held = "true and false", (bool,)
    elif types.is_numeric_dtype(dtype):
        held = "numbers", (int, float)
    return _among(column, name, values, *held)


def _among(
    column: "pd.Series[Any]", name: str, values: Sequence[Value], held: str, kinds: tuple[type, ...]
) -> "pd.Series[Any]":
    for value in values:
        if type(value) not in kinds:
            raise _refused(name, value, held)
    return column.isin(list(values))


def _refused(name: str, value: Any, held: str) -> TaskError:
    shown = f"the string `{value}`" if isinstance(value, str) else str(value).lower()
    hint = "put strings in quotes, and write numbers without quotes"
    if held == "times":
        hint = "write times in ISO 8601: 2024-01-31, 2024-01-31T12:00"
    return TaskError(
        f"the column `{name}` contains {held}, which can never equal {shown}", parameter=_PARAMETER, hint=hint
    )


def _among_times(column: "pd.Series[Any]", name: str, values: Sequence[Value]) -> "pd.Series[Any]":
    chosen = column.notna() & False
    zone = column.dt.tz
    for value in values:
        try:
            moment = parse_time(value)
        except ValueError as error:
            raise _refused(name, value, "times") from error
        if zone is None and moment.tzinfo is not None:
            raise TaskError(
                f"`{value}` has a time zone, but the times in the column `{name}` have none",
                parameter=_PARAMETER,
            )
        if zone is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        if is_day(str(value)):
            chosen |= (column >= moment) & (column < moment + timedelta(days=1))
        else:
            chosen |= column == moment
    return chosen


def _among_objects(column: "pd.Series[Any]", name: str, values: Sequence[Value]) -> "pd.Series[Any]":
    """Compare values of Python, of which a column may hold several kinds, each with those of its kind."""
    present = column.dropna()
    kinds = {_kind_of(value) for value in present.tolist()}
    for value in values:
        if _kind_of(value) not in kinds and not (kinds == {"time"} and isinstance(value, str)):
            raise _refused(name, value, " and ".join(f"{kind}s" for kind in sorted(kinds)))
    wanted = {_comparable(value) for value in values}
    matches = column.map(lambda value: _comparable(value) in wanted, na_action="ignore")
    return matches.fillna(value=False).astype(bool)


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Decimal):
        return "number"
    if isinstance(value, date | datetime):
        return "time"
    return "text" if isinstance(value, str) else type(value).__name__


def _comparable(value: Any) -> tuple[str, Any]:
    kind = _kind_of(value)
    if kind == "number" and isinstance(value, float):
        # The decimal that is written 0.1 is not the float, but means it.
        return kind, Decimal(repr(value))
    if kind == "time":
        return "text", value.isoformat()
    if kind not in ("number", "text", "boolean"):
        return kind, str(value)
    return kind, value
