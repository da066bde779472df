"""Mondrian: a table is halved where it is widest, until its parts cannot be halved (LeFevre et al., 2006)."""

from collections.abc import Callable, Sequence

import numpy as np

from flowlock_ext_privacy.classes.columns import BoolArray, CodedColumn, FloatArray, IntArray

# Wider than any range: values that are missing are separated first.
_MIXED = 2.0
# Groups, how many there are, and the rows that they are about → whether each group may be a class.
Allowed = Callable[[IntArray, int, IntArray], BoolArray]


def partition(columns: Sequence[CodedColumn], k: int, allowed: Allowed) -> tuple[IntArray, int]:
    """Return the class of each row, and the number of classes: each has `k` rows or more, and is allowed.

    All parts of the table are halved at once, so a level costs a few sorts however many parts it has. Rows
    with equal values are never separated: the classes depend on the rows and not on their order.
    """
    codes = np.stack([column.codes for column in columns], axis=1)
    splitter = _Splitter(columns, codes, k, allowed)
    classes = np.zeros(len(codes), dtype=np.int64)
    number = 0
    rows = np.arange(len(codes))
    groups, count = np.zeros(len(codes), dtype=np.int64), 1
    while len(rows):
        upper, halved = splitter.halve(rows, groups, count)
        finished = ~halved[groups]
        classes[rows[finished]] = number + _ranks(~halved)[groups[finished]]
        number += int(np.count_nonzero(~halved))
        rows, groups = rows[~finished], 2 * _ranks(halved)[groups[~finished]] + upper[~finished]
        count = 2 * int(np.count_nonzero(halved))
    return classes, number


def _ranks(chosen: BoolArray) -> IntArray:
    """Return for each chosen position how many were chosen before it."""
    return np.cumsum(chosen) - 1


class _Splitter:
    def __init__(self, columns: Sequence[CodedColumn], codes: IntArray, k: int, allowed: Allowed) -> None:
        self._columns, self._codes, self._k, self._allowed = columns, codes, k, allowed

    def halve(self, rows: IntArray, groups: IntArray, count: int) -> tuple[BoolArray, BoolArray]:
        """Return for each row whether it is in the upper half, and for each group whether it was halved.

        The widest column of each group is tried first, then the next.
        """
        spreads = self._spreads(rows, groups, count)
        preferred = np.argsort(-spreads, axis=1, kind="stable")
        upper = np.zeros(len(rows), dtype=np.bool_)
        halved = np.zeros(count, dtype=np.bool_)
        large = np.bincount(groups, minlength=count) >= 2 * self._k
        for attempt in range(spreads.shape[1]):
            chosen = preferred[:, attempt]
            tried = large & ~halved & (spreads[np.arange(count), chosen] > 0)
            if not tried.any():
                break
            here = np.flatnonzero(tried[groups])
            own = _ranks(tried)[groups[here]]
            values = self._codes[rows[here], chosen[groups[here]]]
            above, possible = _cut(values, own, int(np.count_nonzero(tried)), self._k)
            possible &= self._both_allowed(above, own, possible, rows[here])
            upper[here] = above & possible[own]
            halved[np.flatnonzero(tried)[possible]] = True
        return upper & halved[groups], halved

    def _spreads(self, rows: IntArray, groups: IntArray, count: int) -> FloatArray:
        """Return how wide each group is in each column; 0 where it has one value."""
        order = np.argsort(groups, kind="stable")
        starts = np.searchsorted(groups[order], np.arange(count))
        sorted_codes = self._codes[rows[order]]
        lowest = np.minimum.reduceat(sorted_codes, starts, axis=0)
        highest = np.maximum.reduceat(sorted_codes, starts, axis=0)
        spreads: FloatArray = np.zeros((count, len(self._columns)), dtype=np.float64)
        for number, column in enumerate(self._columns):
            low, high = lowest[:, number], highest[:, number]
            spreads[:, number] = column.positions[high] - column.positions[low]
            # Values that differ by less than a float can say are still worth a cut.
            spreads[(low != high) & (spreads[:, number] == 0), number] = np.finfo(np.float64).tiny
            spreads[(low == 0) & (high > 0), number] = _MIXED
        return spreads

    def _both_allowed(
        self, above: BoolArray, groups: IntArray, possible: BoolArray, rows: IntArray
    ) -> BoolArray:
        """Return for each group whether both of its halves are allowed, where a cut is possible."""
        here = possible[groups]
        if not here.any():
            return possible
        halves = 2 * _ranks(possible)[groups[here]] + above[here]
        good = self._allowed(halves, 2 * int(np.count_nonzero(possible)), rows[here])
        both = np.zeros(len(possible), dtype=np.bool_)
        both[possible] = good[0::2] & good[1::2]
        return both


def _cut(values: IntArray, groups: IntArray, count: int, k: int) -> tuple[BoolArray, BoolArray]:
    """Cut each group between two of its values, as near to the middle as possible.

    Return for each row whether it is above the cut, and for each group whether both halves have `k` rows.
    Missing values (0) are separated from the others if there are enough of both.
    """
    order = np.argsort(groups * (int(values.max()) + 1) + values, kind="stable")
    sorted_values, sorted_groups = values[order], groups[order]
    sizes = np.bincount(groups, minlength=count)
    starts = np.cumsum(sizes) - sizes
    within = np.arange(len(order)) - starts[sorted_groups]
    steps = np.flatnonzero((within > 0) & (np.diff(sorted_values, prepend=-1) != 0))
    group, below = sorted_groups[steps], within[steps]
    enough = np.minimum(below, sizes[group] - below) >= k
    distance = np.abs(2 * below - sizes[group])
    distance[enough & (sorted_values[steps - 1] == 0)] = -1
    best = np.lexsort((distance, group))
    first = best[np.diff(group[best], prepend=-1) != 0]
    lower_size = np.full(count, len(order), dtype=np.int64)
    lower_size[group[first]] = below[first]
    possible = np.zeros(count, dtype=np.bool_)
    possible[group[first]] = enough[first]
    above = np.empty(len(order), dtype=np.bool_)
    above[order] = within >= lower_size[sorted_groups]
    return above, possible
