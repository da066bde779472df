"""The order in which an anonymised table is published: it depends on nothing but the contents."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flowlock_ext_privacy.classes.columns import IntArray, coded_column

# The finaliser of SplitMix64 (Steele et al., 2014): each bit of a number changes about half of the bits.
_GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_STEPS = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
_LAST_SHIFT = np.uint64(31)


def in_own_order(df: pd.DataFrame) -> pd.DataFrame:
    """Scatter the rows by their contents, and number them again.

    Tables with the same rows get the same order, so it does not say where a row was. It is not sorted either:
    the input may have been, and the ranks of the rows would then be the same.
    """
    keys = []
    for name in df.columns:
        keys += _keys(df, name)
    order = np.lexsort([*keys[::-1], _scattered(keys, len(df))])
    return df.iloc[order].reset_index(drop=True)


def _keys(df: pd.DataFrame, name: str) -> list[IntArray]:
    keys = [coded_column(df, name).codes]
    if df[name].dtype == object:
        # 1 and "1" differ, although they are the same text.
        types = df[name].map(lambda value: type(value).__name__)
        keys.append(pd.factorize(types, sort=True)[0].astype(np.int64))
    return keys


def _scattered(keys: list[IntArray], rows: int) -> NDArray[np.uint64]:
    """Return a number for each row that only its keys determine, without any order among them."""
    mixed = np.zeros(rows, dtype=np.uint64)
    for key in keys:
        mixed = (mixed ^ key.astype(np.uint64)) + _GOLDEN_GAMMA
        for shift, factor in _STEPS:
            mixed = (mixed ^ (mixed >> shift)) * factor
        mixed ^= mixed >> _LAST_SHIFT
    return mixed
