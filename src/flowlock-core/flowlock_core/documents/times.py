"""Dates and times in text: ISO 8601 and nothing else, unless a format is named."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import TaskError

if TYPE_CHECKING:
    import pandas as pd

# Year first is the one order that everybody reads alike, so `/` is taken for `-` there.
_ISO = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}/[0-9]{2}/[0-9]{2})"
    r"(?:[T ](?P<clock>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.(?P<fraction>[0-9]+))?)?)"
    r" ?(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_DAY_AND_MONTH = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})[./-]([0-9]{4}|[0-9]{2})(?P<clock>[ T].*)?")
_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")
_FRACTION = re.compile(r":[0-9]{2}[.,]([0-9]+)")
_NANOSECOND_DIGITS = 9
_MICROSECOND_DIGITS = 6
_MONTHS = 12
_RELATIVE_WORDS = ("now", "today")


def is_day(text: str) -> bool:
    """Return whether a text is a day without a time, in ISO 8601."""
    match = _ISO.fullmatch(text)
    return bool(match and match["clock"] is None)


def parse_time(value: Any) -> datetime:
    """Return the time of an ISO 8601 string; ValueError for everything else, including numbers and `now`."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    match = _ISO.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a date or time in ISO 8601, such as 2024-01-31 or 2024-01-31T12:00:00")
    if len(match["fraction"] or "") > _MICROSECOND_DIGITS:
        raise ValueError("a time may have at most six fractional digits")
    try:
        return datetime.fromisoformat(value.replace("/", "-").replace(" ", "T", 1).replace(" ", ""))
    except ValueError as error:
        raise ValueError(f"`{value}` does not exist: {error}") from error


def refusal_of(value: Any) -> str | None:
    """Return why a plain value does not name a time, though a library takes it for one; None if it does."""
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value.strip())):
        return f"expected a date or time such as 2024-02-29T12:30, not {json.dumps(value)}"
    match = _FRACTION.search(value) if isinstance(value, str) else None
    if match and len(match[1].rstrip("0")) > _MICROSECOND_DIGITS:
        return "a time may have at most six fractional digits"
    return None


def same_time(first: str, second: str) -> bool:
    """Return whether two texts name the same moment, `2024-01-01` and `2024-01-01T00:00:00` for example."""
    moments = (_moment(first), _moment(second))
    return moments[0] is not None and moments[0] == moments[1]


def _moment(text: str) -> tuple[bool, datetime, str] | None:
    """Return whether a time has a zone, its seconds (in UTC if it has), and the digits that follow."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    fraction = match["fraction"] or ""
    whole = text.replace(f".{fraction}", "", 1) if fraction else text
    try:
        moment = parse_time(whole)
    except ValueError:
        return None
    digits = fraction.rstrip("0")
    if moment.tzinfo is None:
        return False, moment, digits
    return True, moment.astimezone(UTC), digits


def to_times(column: "pd.Series[Any]", name: str, time_format: str | None = None) -> "pd.Series[Any]":
    """Read texts as times, in ISO 8601 or in the format; a TaskError names the first that is not one.

    Texts whose offsets from UTC differ (over a year, for example) become times in UTC.
    """
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    texts = column.dropna()
    if pd.api.types.is_numeric_dtype(column.dtype) and len(texts):
        raise _refused(name, f"it contains numbers, for example {texts.iloc[0]}", _format_hint(time_format))
    values = [_as_text(value, name) for value in texts.unique()]
    if time_format is not None:
        return _in_format(column, name, time_format, values)
    for value in values:
        _require_iso(value, name)
    if column.dtype == "object" or any("/" in value for value in values):
        column = column.map(lambda value: _as_text(value, name).replace("/", "-"), na_action="ignore")
    return _parsed(column, name, "ISO8601", utc=_differ(values, name))


def _as_text(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    raise _refused(name, f"`{value}` is not a string", None)


def _require_iso(text: str, name: str) -> None:
    match = _ISO.fullmatch(text)
    if match is None:
        reason, hint = _other_format(text)
        raise _refused(name, reason, hint)
    if len((match["fraction"] or "").rstrip("0")) > _NANOSECOND_DIGITS:
        raise _refused(
            name, f"`{text}` is more precise than nanoseconds, and the extra digits cannot be kept", None
        )


def _other_format(text: str) -> tuple[str, str]:
    """Return why a text is not ISO 8601, and the parameter that settles what it is."""
    match = _DAY_AND_MONTH.fullmatch(text)
    if match is None:
        reason = f"`{text}` is not a date or time in ISO 8601 (2024-01-31T12:00:00)"
        return reason, _format_hint(None)
    first, mark, second, year = match[1], match[2], match[3], match[4]
    year_code = "%Y" if len(year) == len("2024") else "%y"
    clock = " %H:%M:%S" if match["clock"] else ""
    day_first = f"%d{mark}%m{mark}{year_code}{clock}"
    month_first = f"%m{mark}%d{mark}{year_code}{clock}"
    if int(first) > _MONTHS:
        return f"`{text}` is not in ISO 8601", f"set `time_format: '{day_first}'`"
    if int(second) > _MONTHS:
        return f"`{text}` is not in ISO 8601", f"set `time_format: '{month_first}'`"
    return (
        f"`{text}` is ambiguous: the day or the month may come first",
        f"set `time_format: '{day_first}'` (day first) or `time_format: '{month_first}'` (month first)",
    )


def _format_hint(time_format: str | None) -> str:
    if time_format is not None:
        return "`time_format` is for string columns; list the column under `text_columns` too"
    return "set `time_format`, with %Y for the year, %m the month, %d the day, %H:%M:%S the time"


def _differ(values: Iterable[str], name: str) -> bool:
    """Return whether the offsets of times differ; a TaskError if only some of them have one."""
    zones: dict[str | None, str] = {}
    for value in values:
        match = _ISO.fullmatch(value)
        zones.setdefault(match["zone"] if match else None, value)
    if None in zones and len(zones) > 1:
        with_zone = next(text for zone, text in zones.items() if zone is not None)
        reason = f"`{with_zone}` has an offset from UTC, but `{zones[None]}` has none"
        raise _refused(name, reason, "write all times with an offset, or all without one")
    return len(zones) > 1


def _in_format(
    column: "pd.Series[Any]", name: str, time_format: str, values: Iterable[str]
) -> "pd.Series[Any]":
    for value in values:
        # pandas reads these words as the time of the run, whatever the format.
        if value.strip().lower() in _RELATIVE_WORDS:
            raise _refused(name, f"`{value}` is not a date or time", None)
    try:
        return _parsed(column, name, time_format, utc="%z" in time_format)
    except ValueError as error:
        raise TaskError(
            f"the column `{name}` cannot be read with the time format {time_format}",
            parameter="time_format",
            hint="the directives are those of Python: %Y, %m, %d, %H, %M, %S, %f, %z",
        ) from error


def _parsed(column: "pd.Series[Any]", name: str, time_format: str, *, utc: bool) -> "pd.Series[Any]":
    import pandas as pd

    try:
        return pd.to_datetime(column, format=time_format, utc=utc)
    except ValueError as error:
        wrong = _first_wrong(column, time_format)
        if wrong is None:
            reason = "times with nanoseconds must be between the years 1678 and 2261"
            raise _refused(name, reason, None) from error
        reason = f"`{wrong}` is not a date or time"
        if time_format != "ISO8601":
            raise _refused(name, f"{reason} in the format {time_format}", None) from error
        raise _refused(name, f"{reason} that exists", None) from error


def _first_wrong(column: "pd.Series[Any]", time_format: str) -> str | None:
    """Return the first text that cannot be read by itself."""
    import pandas as pd

    for value in column.dropna().unique():
        try:
            pd.to_datetime(value, format=time_format)
        except ValueError:
            return str(value)
    return None


def _refused(name: str, reason: str, hint: str | None) -> TaskError:
    return TaskError(
        f"the column `{name}` cannot be read as times: {reason}", parameter="time_columns", hint=hint
    )
