"""Tables that our tasks write and read again are equal in each format, or are refused by name."""

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from executions import running_into
from flowlock_core.errors import TaskError
from flowlock_core.tasks.io import load_table, save_table

Values = list[Any]
WORDS = [
    "NA",
    "NaN",
    "null",
    "007",
    "1",
    "-1.5",
    "1,5",
    "true",
    "False",
    "",
    " ",
    "x\ny",
    "x\r\ny",
    'say "hi"',
]
TEXTS = st.sampled_from(
    [*WORDS, "a;b", "a|b", "a\tb", "a,b", "é", "2024-01-01", "1e5", "inf", "#N/A"]
) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
INTS = st.integers(-(2**63), 2**63 - 1)
TIMES = st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1))  # noqa: DTZ001 - without a zone, on purpose
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12)


def missing(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def column(dtype: Any) -> Callable[[Values], "pd.Series[Any]"]:
    return lambda values: pd.Series(values, dtype=dtype)


def zoned(zone: Any) -> Callable[[Values], "pd.Series[Any]"]:
    return lambda values: pd.Series(pd.to_datetime(values, utc=True)).dt.tz_convert(zone)


def nanoseconds(values: Values) -> "pd.Series[Any]":
    return pd.Series(pd.to_datetime(pd.Series(values, dtype="Int64")), dtype="datetime64[ns]")


def categories(values: Values, *, ordered: bool) -> "pd.Series[Any]":
    kinds = sorted({value for value in values if value is not None}, reverse=True)
    return pd.Series(pd.Categorical(values, categories=[*kinds, "never"], ordered=ordered))


# The kinds of columns: what makes values, and what makes a column of them.
KINDS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Values], "pd.Series[Any]"]]] = {
    "bool": (st.booleans(), column("bool")),
    "nullable bool": (missing(st.booleans()), column("boolean")),
    "int": (INTS, column("int64")),
    "nullable int": (missing(INTS), column("Int64")),
    "unsigned": (st.integers(2**63, 2**64 - 1), column("uint64")),
    "float": (st.floats(allow_nan=False, allow_infinity=False) | st.just(-0.0), column("float64")),
    "float with gaps": (missing(st.floats(allow_infinity=False)), column("float64")),
    "float with infinities": (st.floats(allow_nan=False), column("float64")),
    "text": (TEXTS, column("str")),
    "text with gaps": (missing(TEXTS), column("str")),
    "day": (
        st.dates(date(1700, 1, 1), date(2250, 1, 1)),
        lambda v: pd.Series(pd.to_datetime(pd.Series(v))),
    ),
    "time": (missing(TIMES), column("datetime64[us]")),
    "time in UTC": (TIMES, zoned(UTC)),
    "time with an offset": (TIMES, zoned(timezone(timedelta(hours=5, minutes=30)))),
    "nanoseconds": (missing(st.integers(-(2**62), 2**62)), nanoseconds),
    "category": (missing(st.sampled_from(["b", "a", "007", "NA"])), lambda v: categories(v, ordered=False)),
    "ordered category": (st.sampled_from(["low", "high"]), lambda v: categories(v, ordered=True)),
    "decimal": (missing(DECIMALS), column("object")),
    "mixed text": (missing(st.sampled_from(["1", "x", "2.5", "NA", "", "007", "true"])), column("str")),
}
# What no format but JSON can hold: rare, so that it does not hide what else is refused.
NUMBERS_AND_TEXTS = "numbers and texts"
KINDS[NUMBERS_AND_TEXTS] = (st.sampled_from([1, "1", "x", 2.5]), column("object"))
DRAWN_KINDS = [*KINDS] + [kind for kind in KINDS if kind != NUMBERS_AND_TEXTS] * 3
TIME_KINDS = ("day", "time", "time in UTC", "time with an offset", "nanoseconds")
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6).filter(str.strip)


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, str], pd.DataFrame]:
    """Draw a table, and the kind of each of its columns."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    rows = draw(st.integers(0, 6))
    kinds = {name: draw(st.sampled_from(DRAWN_KINDS)) for name in names}
    columns = {}
    for name, kind in kinds.items():
        values, make = KINDS[kind]
        columns[name] = make(draw(st.lists(values, min_size=rows, max_size=rows)))
    return kinds, pd.DataFrame(columns)


def comparable(value: Any) -> Any:
    """Return a value so that equal ones are equal: 0.0 is not -0.0, an instant has one zone."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float):
        return None if math.isnan(value) else (value, math.copysign(1, value))
    if isinstance(value, pd.Timestamp):
        return (value.tzinfo is None, value.value if value.unit == "ns" else value.as_unit("ns").value)
    return (type(value).__name__, value)


def with_one_kind_of_number(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """JSON has one kind of number: integers among others are what the others are, if there are no texts."""
    kinds = {type(value) for value in column.tolist()}
    return column.astype("float64") if column.dtype == "object" and kinds == {int, float} else column


def values_of(df: pd.DataFrame) -> dict[str, list[Any]]:
    return {str(name): [comparable(value) for value in df[name].astype("object").tolist()] for name in df}


@pytest.fixture(scope="module")
def counts(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Count all tables and those that were refused; print the share at the end, and bound it."""
    counted: Counter[str] = Counter()
    yield counted
    share = counted["refused"] / counted["all"]
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        sys.stdout.write(f"\ntables refused: {counted['refused']} of {counted['all']} ({share:.1%})\n")
    assert share <= 0.1


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "parquet"])
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=tables())
def test_a_table_comes_back_as_it_was(
    suffix: str, drawn: tuple[dict[str, str], pd.DataFrame], tmp_path: Path, counts: Counter[str]
) -> None:
    kinds, df = drawn
    # An empty list says nothing about columns.
    assume(len(df) or suffix != "json")
    counts["all"] += 1
    try:
        with running_into(tmp_path):
            path = Path(save_table(df, f"t.{suffix}"))
    except TaskError as error:
        counts["refused"] += 1
        if any(f"`{name}`" in error.message for name in kinds):
            return
        raise
    said: dict[str, Any] = {"time_columns": [name for name, kind in kinds.items() if kind in TIME_KINDS]}
    if suffix != "parquet":
        said["decimal_columns"] = [name for name, kind in kinds.items() if kind == "decimal"]
    found = load_table(path, **said)
    if suffix == "parquet" and NUMBERS_AND_TEXTS not in kinds.values():
        # Parquet counts time in milliseconds at least; pandas makes days of seconds.
        whole = [name for name in df if df[name].dtype.kind == "M" and df[name].dt.unit == "s"]
        expected = df.assign(**{str(name): df[name].dt.as_unit("ms") for name in whole})
        # Without rows, Parquet has no values to name categories by.
        pd.testing.assert_frame_equal(
            found, expected, check_column_type=False, check_categorical=len(df) > 0, check_dtype=len(df) > 0
        )
    if suffix == "json":
        df = df.apply(with_one_kind_of_number)
    assert values_of(found) == values_of(df)
