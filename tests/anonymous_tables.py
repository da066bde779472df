"""Random tables to anonymise, and k, l and t by their definitions, row by row."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

# Hard for hashing and sorting, and in labels.
WORDS = ["a", "b", "Ab", "a | b", "*", '"a"', " ", "", "1 to 2", "é"]
NUMBERS = st.integers(-5, 60) | st.sampled_from([0.5, -2.25, 1e12, 10**15])
DAYS = st.dates(pd.Timestamp("1900-01-01").date(), pd.Timestamp("2030-12-31").date())
QUASI_IDENTIFIERS = ["age", "place", "born", "mixed"]
SENSITIVE = ["pay", "illness"]


def missing(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


@st.composite
def tables(draw: st.DrawFn, *, rows: int = 20) -> pd.DataFrame:
    """Draw a table with few or many rows, all equal or all different, with missing values."""
    number = draw(st.integers(1, rows))
    some = draw(st.sampled_from(["equal", "different", "any"]))

    def column(values: st.SearchStrategy[Any], different: Any) -> list[Any]:
        if some == "equal":
            return [draw(values)] * number
        if some == "different":
            return [different(row) for row in range(number)]
        return draw(st.lists(values, min_size=number, max_size=number))

    ages = column(missing(NUMBERS), float)
    days = column(missing(DAYS), lambda row: pd.Timestamp("2000-01-01").date() + pd.Timedelta(days=row))
    return pd.DataFrame(
        {
            "name": [f"person-{row:04d}" for row in range(number)],
            "age": pd.Series(ages, dtype="float64"),
            "place": pd.Series(column(missing(st.sampled_from(WORDS)), str), dtype="object"),
            "born": pd.to_datetime(pd.Series(days, dtype="object")),
            "mixed": pd.Series(column(missing(st.sampled_from([1, "1", True, 2.5])), str), dtype="object"),
            "pay": pd.Series(column(missing(st.integers(0, 9)), float), dtype="float64"),
            "illness": pd.Series(column(missing(st.sampled_from("xyz")), str), dtype="object"),
            "tag": [f"tag-{row:04d}" for row in range(number)],
        }
    )


def key_of(value: Any) -> Any:
    return "missing" if value is None or pd.isna(value) else value


def classes_of(df: pd.DataFrame, columns: Sequence[str]) -> list[list[int]]:
    """Return the positions of the rows of each class."""
    classes: dict[tuple[Any, ...], list[int]] = {}
    for position, values in enumerate(df[list(columns)].itertuples(index=False, name=None)):
        classes.setdefault(tuple(map(key_of, values)), []).append(position)
    return list(classes.values())


def smallest(df: pd.DataFrame, columns: Sequence[str]) -> int:
    return min(map(len, classes_of(df, columns)))


def least_diverse(df: pd.DataFrame, columns: Sequence[str], name: str) -> int:
    values = [key_of(value) for value in df[name]]
    return min(len({values[row] for row in rows}) for rows in classes_of(df, columns))


def least_entropy(df: pd.DataFrame, columns: Sequence[str], name: str) -> float:
    values = [key_of(value) for value in df[name]]

    def effective(rows: list[int]) -> float:
        shares = [count / len(rows) for count in Counter(values[row] for row in rows).values()]
        return math.exp(-sum(share * math.log(share) for share in shares))

    return min(map(effective, classes_of(df, columns)))


def largest_distance(df: pd.DataFrame, columns: Sequence[str], name: str, *, ordered: bool) -> float:
    values = [key_of(value) for value in df[name]]
    # A missing value is below all numbers.
    domain = sorted(set(values), key=lambda value: -math.inf if value == "missing" and ordered else value)

    def shares(rows: Sequence[int]) -> Any:
        counts = Counter(values[row] for row in rows)
        return np.array([counts[value] / len(rows) for value in domain])

    whole = shares(range(len(df)))

    def distance(rows: list[int]) -> float:
        difference = shares(rows) - whole
        if not ordered:
            return float(np.abs(difference).sum() / 2)
        return float(np.abs(np.cumsum(difference)).sum() / max(1, len(domain) - 1))

    return max(map(distance, classes_of(df, columns)))
