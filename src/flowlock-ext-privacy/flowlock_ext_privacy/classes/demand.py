"""What is demanded of classes of rows: k, l and t; what a table as a whole allows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flowlock_core.errors import TaskError
from flowlock_ext_privacy.classes.columns import BoolArray, IntArray
from flowlock_ext_privacy.classes.measures import (
    ClassCounts,
    SensitiveColumn,
    distinct_values,
    effective_values,
    frequent_and_rest,
)
from flowlock_ext_privacy.parameters import Diversity

# Two sums of the same numbers may differ by their rounding.
TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """The smallest class that is accepted, and how its sensitive values must be distributed."""

    k: int
    l: float | None = None  # noqa: E741 - its name in the literature
    diversity: Diversity = Diversity.DISTINCT
    c: float | None = None
    t: float | None = None

    def __post_init__(self) -> None:
        """Refuse parameters that do not belong together."""
        recursive = self.diversity is Diversity.RECURSIVE
        if recursive != (self.c is not None):
            message = "recursive diversity requires `c`" if recursive else "only recursive diversity uses `c`"
            raise TaskError(
                message, parameter="c", hint="set both `diversity: recursive` and `c`, or neither"
            )

    @property
    def is_about_sensitive(self) -> bool:
        """Whether anything is demanded of sensitive columns."""
        return self.l is not None or self.t is not None

    def diverse(self, counted: ClassCounts) -> BoolArray:
        """Return which classes are diverse enough."""
        if self.l is None:
            return np.ones(counted.number, dtype=np.bool_)
        if self.diversity is Diversity.DISTINCT:
            return np.asarray(distinct_values(counted) >= self.l)
        if self.diversity is Diversity.ENTROPY:
            return np.asarray(effective_values(counted) >= self.l - TOLERANCE)
        most, rest = frequent_and_rest(counted, math.ceil(self.l))
        return np.asarray(most < (self.c or 0) * rest)


class Sensitives:
    """The sensitive columns of a table, and what is demanded of them."""

    def __init__(self, df: pd.DataFrame, names: Sequence[str], demand: Demand) -> None:
        if demand.is_about_sensitive and not names:
            raise TaskError(
                "`l` and `t` are about sensitive columns, but none is named",
                parameter="sensitive",
                hint="name the columns under `sensitive`, or leave `l` and `t` empty",
            )
        used = names if demand.is_about_sensitive else ()
        self._columns = {name: SensitiveColumn(df, name) for name in used}
        self._demand = demand

    def met(self, classes: IntArray, number: int, rows: IntArray | None = None) -> BoolArray:
        """Return which classes have sensitive values as demanded; their sizes are not looked at."""
        good = np.ones(number, dtype=np.bool_)
        for column in self._columns.values():
            counted = column.counts(classes, number, rows)
            good &= self._demand.diverse(counted)
            if self._demand.t is not None:
                good &= column.distances(counted) <= self._demand.t + TOLERANCE
        return good

    def require_possible(self, rows: int) -> None:
        """Raise a TaskError that says what is possible, unless the whole table as one class fulfils it."""
        k = self._demand.k
        if rows < k:
            raise TaskError(
                f"k = {k} is not possible: the table has {rows} rows",
                parameter="k",
                hint=f"the largest possible k is {rows}" if rows else None,
            )
        whole = np.zeros(rows, dtype=np.int64)
        for name, column in self._columns.items():
            counted = column.counts(whole, 1)
            if not self._demand.diverse(counted)[0]:
                raise _impossible(name, counted, self._demand)


def _impossible(name: str, counted: ClassCounts, demand: Demand) -> TaskError:
    """Say which diversity the whole table has, which no part of it need exceed."""
    of_table = f"of the sensitive column `{name}` in the whole table"
    least = f"{demand.l:g}"
    if demand.diversity is Diversity.DISTINCT:
        possible = int(distinct_values(counted)[0])
        message = f"l = {least} is not possible: the number of distinct values {of_table} is {possible}"
        return TaskError(message, parameter="l", hint=f"the largest possible l is {possible}")
    if demand.diversity is Diversity.ENTROPY:
        # Rounded down: a number that is shown must be possible.
        effective = math.floor(float(effective_values(counted)[0]) * 1000) / 1000
        message = f"entropy diversity l = {least} is not possible: that {of_table} is {effective:g}"
        return TaskError(message, parameter="l", hint=f"the largest possible l is {effective:g}")
    most, rest = frequent_and_rest(counted, math.ceil(demand.l or 1))
    message = f"recursive ({demand.c:g}, {least})-diversity {of_table} is not possible"
    if not rest[0]:
        distinct = int(distinct_values(counted)[0])
        return TaskError(message, parameter="l", hint=f"it has {distinct} distinct values: use a smaller l")
    ratio = math.ceil(float(most[0] / rest[0]) * 1000) / 1000
    return TaskError(message, parameter="c", hint=f"with this l, c must be larger than {ratio:g}")
