"""Values for tests of digests, importable in other processes: tables that are equal, values that differ."""

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import pandas as pd
from pydantic import BaseModel

from flowlock_core.execute.skip import SKIPPED
from flowlock_core.store.digest import digest


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Pair(NamedTuple):
    left: int
    right: int


@dataclass(frozen=True)
class Point:
    x: float
    y: float


@dataclass(frozen=True)
class OtherPoint:
    x: float
    y: float


class Model(BaseModel):
    name: str


class Opaque:
    """Says nothing of itself."""


def base() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "a": [1.0, 2.0, np.nan],
            "s": ["x", None, "z"],
            "i": [1, 2, 3],
            "t": pd.to_datetime(["2020", "2021", "2022"]),
            "o": pd.Series([1, "a", None], dtype=object),
        }
    )


def filtered() -> pd.DataFrame:
    return pd.concat([base(), base()], ignore_index=True)[[True] * 3 + [False] * 3]


def with_and_without() -> pd.DataFrame:
    return base().assign(q=1).drop(columns="q")


def through_pickle() -> pd.DataFrame:
    found: pd.DataFrame = pickle.loads(pickle.dumps(base()))  # noqa: S301 - our own bytes
    return found


def through_parquet() -> pd.DataFrame:
    buffer = io.BytesIO()
    base().drop(columns="o").to_parquet(buffer)
    return pd.read_parquet(buffer).assign(o=base()["o"])


def with_attributes() -> pd.DataFrame:
    df = base()
    df.attrs["x"] = 1
    return df


def seen() -> pd.DataFrame:
    df = base()
    repr(df)
    df.index.get_loc(1)
    return df


EQUAL: dict[str, Callable[[], pd.DataFrame]] = {
    "copy": lambda: base().copy(),
    "shallow copy": lambda: base().copy(deep=False),
    "boolean filter": filtered,
    "slice": lambda: pd.concat([base(), base()], ignore_index=True).iloc[:3],
    "concatenation": lambda: pd.concat([base().iloc[:1], base().iloc[1:]], ignore_index=True),
    "column added and dropped": with_and_without,
    "rows reversed twice": lambda: base().iloc[::-1].iloc[::-1].reset_index(drop=True),
    "other order of columns and back": lambda: base()[["i", "t", "s", "a", "o"]][["a", "s", "i", "t", "o"]],
    "pickled": through_pickle,
    "part of a longer one": lambda: pd.concat([base(), base()], ignore_index=True).head(3),
    "middle of a longer one": lambda: pd.concat([base()] * 3, ignore_index=True)[3:6].reset_index(drop=True),
    "through Parquet": through_parquet,
    "looked at": seen,
}

VALUES: dict[str, Any] = {
    "none": None,
    "true": True,
    "one": 1,
    "one as float": 1.0,
    "one as text": "1",
    "one as bytes": b"1",
    "zero": 0.0,
    "minus zero": -0.0,
    "nan": float("nan"),
    "empty list": [],
    "empty tuple": (),
    "empty dict": {},
    "empty set": set(),
    "nested": [[1], [2]],
    "nested otherwise": [[1, 2]],
    "texts": ["ab", "c"],
    "texts cut otherwise": ["a", "bc"],
    "mapping": {"a": 1, "b": 2},
    "mapping in another order": {"b": 2, "a": 1},
    "set": {1, 2, 3},
    "frozen set": frozenset({1, 2, 3}),
    "date": date(2020, 1, 1),
    "time of day": time(1, 2),
    "naive": datetime(2020, 1, 1),  # noqa: DTZ001 - without a zone on purpose
    "in UTC": datetime(2020, 1, 1, tzinfo=UTC),
    "span": timedelta(days=1),
    "decimal": Decimal("1.0"),
    "decimal with more digits": Decimal("1.00"),
    "uuid": UUID(int=1),
    "path": PurePosixPath("a/b"),
    "red": Colour.RED,
    "green": Colour.GREEN,
    "named tuple": Pair(1, 2),
    "tuple": (1, 2),
    "point": Point(1, 2),
    "other point": OtherPoint(1, 2),
    "model": Model(name="a"),
    "other model": Model(name="b"),
    "function": digest,
    "class": Point,
    "skipped": SKIPPED,
    "array": np.array([1, 2]),
    "array of other width": np.array([1, 2], "int32"),
    "array of other shape": np.array([[1, 2]]),
    "array of objects": np.array([1, "a"], dtype=object),
    "number of NumPy": np.int64(1),
    "timestamp": pd.Timestamp("2020"),
    "timestamp in a zone": pd.Timestamp("2020", tz="Europe/Vienna"),
    "no time": pd.NaT,
    "missing": pd.NA,
    "frame": base(),
    "renamed column": base().rename(columns={"a": "b"}),
    "two columns of one name": base().set_axis(["a", "a", "i", "t", "o"], axis=1),
    "columns with a name": base().rename_axis(columns="n"),
    "int column name": pd.DataFrame({1: [1]}),
    "text column name": pd.DataFrame({"1": [1]}),
    "integers": pd.DataFrame({"a": [1, 2]}),
    "narrow integers": pd.DataFrame({"a": np.array([1, 2], "int32")}),
    "floats": pd.DataFrame({"a": [1.0, 2.0]}),
    "nullable integers": pd.DataFrame({"a": pd.array([1, 2], dtype="Int64")}),
    "objects": pd.DataFrame({"a": pd.Series(["1"], dtype=object)}),
    "strings": pd.DataFrame({"a": pd.Series(["1"], dtype="str")}),
    "None among objects": pd.DataFrame({"a": pd.Series([None, 1.0], dtype=object)}),
    "NaN among objects": pd.DataFrame({"a": pd.Series([np.nan, 1.0], dtype=object)}),
    "times": pd.DataFrame({"t": pd.to_datetime(["2020"])}),
    "times in UTC": pd.DataFrame({"t": pd.to_datetime(["2020"], utc=True)}),
    "times in Vienna": pd.DataFrame({"t": pd.to_datetime(["2020"], utc=True).tz_convert("Europe/Vienna")}),
    "times in seconds": pd.DataFrame({"t": pd.to_datetime(["2020"]).as_unit("s")}),
    "times in nanoseconds": pd.DataFrame({"t": pd.to_datetime(["2020"]).as_unit("ns")}),
    "other index": base().set_axis([5, 6, 7]),
    "index with a name": base().rename_axis("n"),
    "index that is no range": base().set_axis(pd.Index([0, 1, 2])),
    "two levels": base().set_index(["i", "a"]),
    "two levels the other way": base().set_index(["a", "i"]),
    "minus zeros": pd.DataFrame({"a": [-0.0]}),
    "zeros": pd.DataFrame({"a": [0.0]}),
    "rows reversed": base().iloc[::-1],
    "no rows": pd.DataFrame({"a": []}),
    "no rows of another column": pd.DataFrame({"b": []}),
    "attributes": with_attributes(),
    "category": pd.DataFrame({"c": pd.Categorical(["a"], ["a", "b"])}),
    "category in another order": pd.DataFrame({"c": pd.Categorical(["a"], ["b", "a"])}),
    "ordered category": pd.DataFrame({"c": pd.Categorical(["a"], ["a", "b"], ordered=True)}),
    "complex numbers": pd.DataFrame({"c": [1j]}),
    "lists": pd.DataFrame({"o": [[1], [2, 3]]}),
    "mappings": pd.DataFrame({"o": [{"a": 1}, {"b": 2}]}),
    "periods": pd.DataFrame({"p": pd.period_range("2020", periods=2, freq="M")}),
    "quarters": pd.DataFrame({"p": pd.period_range("2020", periods=2, freq="Q")}),
    "intervals": pd.DataFrame({"p": pd.interval_range(0, 2)}),
    "sparse": pd.DataFrame({"s": pd.arrays.SparseArray([0, 1])}),
    "levels of columns": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
    "series": pd.Series([1, 2], name="a"),
    "series of another name": pd.Series([1, 2], name="b"),
    "index alone": pd.Index([1, 2]),
    "days": pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2020", periods=2, freq="D")),
    "days without a frequency": pd.DataFrame(
        {"a": [1, 2]}, index=pd.DatetimeIndex(["2020-01-01", "2020-01-02"])
    ),
}
