"""How diverse the sensitive values of classes are, and how close to those of the whole table."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from flowlock_ext_privacy.classes.columns import (
    CodedColumn,
    ColumnKind,
    FloatArray,
    IntArray,
    coded_column,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassCounts:
    """How often each sensitive value occurs in each class, where it occurs at all; sorted by both.

    `classes`, `codes` (of values) and `counts` have an element for each pair.
    """

    number: int
    classes: IntArray
    codes: IntArray
    counts: IntArray

    @property
    def sizes(self) -> IntArray:
        """The number of rows of each class."""
        return _sums(self.classes, self.counts, self.number).astype(np.int64)

    @property
    def shares(self) -> FloatArray:
        """The share of its class that each pair has."""
        shares: FloatArray = self.counts / self.sizes[self.classes]
        return shares


class SensitiveColumn:
    """A sensitive column of a table, whose values classes of rows must not give away."""

    def __init__(self, df: pd.DataFrame, name: str) -> None:
        self._column: CodedColumn = coded_column(df, name)
        self._codes = self._column.codes
        self._size = len(self._column.distinct) + 1
        counts = np.bincount(self._codes, minlength=self._size)
        self._table: FloatArray = counts / max(1, len(self._codes))
        # A missing value counts as one value more, below the others.
        self._lowest = 0 if counts[0] else 1

    @property
    def ordered(self) -> bool:
        """Whether the values have distances, as numbers and times do."""
        return self._column.kind is not ColumnKind.WORD

    def counts(self, classes: IntArray, number: int, rows: IntArray | None = None) -> ClassCounts:
        """Count the values of classes; `classes` is about all rows of the table, or about `rows`."""
        codes = self._codes if rows is None else self._codes[rows]
        pairs, counts = np.unique(classes * self._size + codes, return_counts=True)
        return ClassCounts(
            number=number, classes=pairs // self._size, codes=pairs % self._size, counts=counts
        )

    def distances(self, counted: ClassCounts) -> FloatArray:
        """Return how far each class is from the whole table (t-closeness, Li et al., 2007), from 0 to 1.

        For numbers and times it is the earth mover's distance of ordered values, for words (all equally far
        apart) the total variation.
        """
        return self._moved(counted) if self.ordered else self._varied(counted)

    def _varied(self, counted: ClassCounts) -> FloatArray:
        of_table = self._table[counted.codes]
        here = _sums(counted.classes, np.abs(counted.shares - of_table), counted.number)
        elsewhere = 1 - _sums(counted.classes, of_table, counted.number)
        distances: FloatArray = (here + elsewhere) / 2
        return np.clip(distances, 0.0, 1.0)

    def _moved(self, counted: ClassCounts) -> FloatArray:
        """Return the sum over all values of how far the two cumulative shares differ, by the largest sum.

        Between two values that a class has, its own cumulative share is constant, and the table's grows: the
        sum of that stretch comes from sums that are made once for the table.
        """
        table = np.cumsum(self._table)
        sums = np.concatenate(([0.0], np.cumsum(table)))
        steps = self._size - 1 - self._lowest
        if steps == 0:
            return np.zeros(counted.number)
        share = _cumulative(counted)
        start = counted.codes
        last = np.append(counted.classes[1:] != counted.classes[:-1], True)
        end = np.where(last, self._size, np.append(start[1:], self._size))
        between = _stretch(share, start, end, table, sums)
        # Below the first value of a class, its own share is 0.
        first = np.append(True, counted.classes[1:] != counted.classes[:-1])
        below = np.zeros(counted.number)
        below[counted.classes[first]] = sums[start[first]]
        total: FloatArray = _sums(counted.classes, between, counted.number) + below
        return np.clip(total / steps, 0.0, 1.0)


def _cumulative(counted: ClassCounts) -> FloatArray:
    """Return for each pair the share of its class up to its value."""
    running = np.cumsum(counted.counts)
    sizes = counted.sizes
    before = np.cumsum(sizes) - sizes
    share: FloatArray = (running - before[counted.classes]) / sizes[counted.classes]
    return share


def _stretch(
    share: FloatArray, start: IntArray, end: IntArray, table: FloatArray, sums: FloatArray
) -> FloatArray:
    """Return the sum of |share - table| from `start` to before `end`, where the table's share grows."""
    crossing = np.clip(np.searchsorted(table, share), start, end)
    below = share * (crossing - start) - (sums[crossing] - sums[start])
    above = (sums[end] - sums[crossing]) - share * (end - crossing)
    stretch: FloatArray = below + above
    return stretch


def distinct_values(counted: ClassCounts) -> IntArray:
    """Return how many distinct values each class has."""
    return np.bincount(counted.classes, minlength=counted.number)


def effective_values(counted: ClassCounts) -> FloatArray:
    """Return the number of equally frequent values that has the entropy of each class."""
    shares = counted.shares
    entropy: FloatArray = _sums(counted.classes, -shares * np.log(shares), counted.number)
    return np.exp(entropy)


def frequent_and_rest(counted: ClassCounts, least: int) -> tuple[FloatArray, FloatArray]:
    """Return for each class the count of its most frequent value, and of all but its first `least` - 1."""
    order = np.lexsort((-counted.counts, counted.classes))
    classes, counts = counted.classes[order], counted.counts[order]
    numbers = distinct_values(counted)
    rank = np.arange(len(order)) - (np.cumsum(numbers) - numbers)[classes]
    most = _sums(classes, np.where(rank == 0, counts, 0), counted.number)
    rest = _sums(classes, np.where(rank >= least - 1, counts, 0), counted.number)
    return most, rest


def _sums(classes: IntArray, weights: "FloatArray | IntArray", number: int) -> FloatArray:
    sums: FloatArray = np.bincount(classes, weights=weights, minlength=number).astype(np.float64)
    return sums
