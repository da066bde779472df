"""Global recoding: one level for each column, chosen so that least is lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
import pandas as pd

from flowlock_core.errors import TaskError
from flowlock_ext_privacy.classes.columns import (
    BoolArray,
    CodedColumn,
    FloatArray,
    IntArray,
    combined,
)
from flowlock_ext_privacy.classes.demand import Demand, Sensitives
from flowlock_ext_privacy.classes.levels import Level

# Beyond this, weighing all combinations of levels would take minutes.
MOST_COMBINATIONS = 200_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Recoding:
    """The level that was chosen for each column, which rows are kept, and what is lost."""

    levels: tuple[Level, ...]
    kept: BoolArray
    loss: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _CodedLevel:
    """A level for each row: its label as a number, its loss, and the mean loss of all rows."""

    labels: IntArray
    losses: FloatArray
    loss: float


def _coded_levels(column: CodedColumn, levels: Sequence[Level]) -> list[_CodedLevel]:
    coded = []
    for level in levels:
        labels = pd.factorize(np.asarray(level.labels, dtype=object))[0].astype(np.int64) + 1
        losses = level.losses[column.codes]
        coded.append(_CodedLevel(labels=labels[column.codes], losses=losses, loss=float(losses.mean())))
    return coded


class _Search:
    """The search for the recoding with the least loss, where a removed row is lost wholly."""

    def __init__(
        self,
        df: pd.DataFrame,
        columns: Sequence[CodedColumn],
        levels: Sequence[Sequence[Level]],
        sensitive: Sequence[str],
        demand: Demand,
    ) -> None:
        self._df, self._levels = df, levels
        self._sensitive, self._demand = sensitive, demand
        self._coded = [_coded_levels(*pair) for pair in zip(columns, levels, strict=True)]

    def by_loss(self) -> Iterator[tuple[float, tuple[int, ...]]]:
        """Yield the combinations of levels, sorted by what they lose if all rows are kept: the minimum."""
        count = prod(map(len, self._levels))
        if count > MOST_COMBINATIONS:
            raise TaskError(
                f"the hierarchies have {count} combinations of levels, more than {MOST_COMBINATIONS}",
                parameter="hierarchies",
                hint="use fewer levels, or the method `mondrian`",
            )
        # Of equal losses, the combination with the lower levels comes first.
        every = product(*(range(len(of_column)) for of_column in self._levels))
        yield from sorted((self._mean_loss(chosen), chosen) for chosen in every)

    def _mean_loss(self, chosen: Sequence[int]) -> float:
        losses = [of_column[level].loss for of_column, level in zip(self._coded, chosen, strict=True)]
        return sum(losses) / len(losses)

    def kept(self, chosen: Sequence[int], most_removed: int) -> BoolArray | None:
        """Return which rows can be kept with these levels, or None if too many would be removed."""
        labels = [of_column[level].labels for of_column, level in zip(self._coded, chosen, strict=True)]
        classes, number = combined(labels)
        kept = (np.bincount(classes, minlength=number) >= self._demand.k)[classes]
        while len(kept) - np.count_nonzero(kept) <= most_removed:
            # The distribution of the published table counts, and each removed row changes it.
            rows = np.flatnonzero(kept)
            if not len(rows):
                return None
            sensitives = Sensitives(self._df.iloc[rows], self._sensitive, self._demand)
            own, count = combined([classes[rows]])
            good = sensitives.met(own, count)[own]
            if good.all():
                return kept
            kept[rows[~good]] = False
        return None

    def loss(self, chosen: Sequence[int], kept: BoolArray) -> float:
        """Return the mean loss of all rows and columns."""
        columns = zip(self._coded, chosen, strict=True)
        lost = [float(of_column[level].losses[kept].sum()) for of_column, level in columns]
        removed = len(kept) - int(np.count_nonzero(kept))
        return (sum(lost) / len(lost) + removed) / len(kept)


def recode(
    df: pd.DataFrame,
    columns: Sequence[CodedColumn],
    levels: Sequence[Sequence[Level]],
    sensitive: Sequence[str],
    demand: Demand,
    *,
    max_suppressed: float,
) -> Recoding:
    """Return the recoding that loses least; on the last levels all rows are alike, so there is one."""
    search = _Search(df, columns, levels, sensitive, demand)
    most_removed = int(max_suppressed * len(df))
    best: Recoding | None = None
    for least, chosen in search.by_loss():
        if best is not None and least >= best.loss:
            break
        kept = search.kept(chosen, most_removed)
        if kept is None:
            continue
        loss = search.loss(chosen, kept)
        if best is None or loss < best.loss:
            picked = tuple(own[level] for own, level in zip(levels, chosen, strict=True))
            best = Recoding(levels=picked, kept=kept, loss=loss)
    if best is None:
        raise TaskError("the hierarchies do not make enough rows alike", parameter="hierarchies")
    return best
