"""The levels of a column: what each value becomes, and how much of its precision is lost."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flowlock_core.errors import TaskError, nearest
from flowlock_ext_privacy.classes.columns import CodedColumn, ColumnKind, FloatArray
from flowlock_ext_privacy.classes.labels import ANY, BELOW, TO, number_text, value_texts

# The first months and the number of months of what has several in a year.
_MONTHS_OF_A_QUARTER = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """For each code of a column (0: missing) its label, and the share of the column that the label covers."""

    labels: Sequence[str | None]
    losses: FloatArray


def finest(column: CodedColumn) -> Level:
    """Return the level on which every value is itself."""
    return Level(labels=[None, *value_texts(column)], losses=np.zeros(len(column.distinct) + 1))


def coarsest(column: CodedColumn) -> Level:
    """Return the level on which every value, also a missing one, is `*`."""
    size = len(column.distinct) + 1
    return Level(labels=[ANY] * size, losses=np.ones(size))


def of_widths(column: CodedColumn, widths: Sequence[float], parameter: str) -> Iterator[Level]:
    """Yield a level for each width: ranges that begin at its multiples."""
    _require_kind(column, ColumnKind.NUMBER, "widths", parameter)
    numbers = np.array([float(value) for value in column.distinct])
    if not np.isfinite(numbers).all():
        raise TaskError(
            f"the column `{column.name}` has infinite values, which have no range", parameter=parameter
        )
    integral = bool((numbers == np.floor(numbers)).all())
    for width in widths:
        starts = np.floor(numbers / width) * width
        inclusive = integral and float(width).is_integer()
        labels = [_range_label(start, width, inclusive=inclusive) for start in starts.tolist()]
        yield _level(labels, _covered(numbers, starts, starts + width - inclusive))


def _range_label(start: float, width: float, *, inclusive: bool) -> str:
    if inclusive:
        first, last = number_text(start), number_text(start + width - 1)
        return first if width == 1 else f"{first}{TO}{last}"
    # Multiples of a width such as 0.1 have digits that nobody wrote.
    return f"{number_text(float(f'{start:.12g}'))}{BELOW}{number_text(float(f'{start + width:.12g}'))}"


def of_periods(column: CodedColumn, periods: Sequence[str], parameter: str) -> Iterator[Level]:
    """Yield a level for each part of the calendar."""
    _require_kind(column, ColumnKind.TIME, "periods", parameter)
    times = [pd.Timestamp(value) for value in column.distinct]
    numbers = np.array([time.timestamp() for time in times])
    for period in periods:
        bounds = [_PERIODS[period](time) for time in times]
        starts = np.array([_start(time, month) for time, (_, month, _) in zip(times, bounds, strict=True)])
        ends = np.array(
            [_start(time, month + size) for time, (_, month, size) in zip(times, bounds, strict=True)]
        )
        yield _level([label for label, _, _ in bounds], _covered(numbers, starts, ends))


def _start(time: pd.Timestamp, month: int) -> float:
    """Return when a month begins, which is counted from the year 0."""
    return pd.Timestamp(year=month // 12, month=month % 12 + 1, day=1, tz=time.tz).timestamp()


def _month(time: pd.Timestamp) -> tuple[str, int, int]:
    return f"{time:%Y-%m}", time.year * 12 + time.month - 1, 1


def _quarter(time: pd.Timestamp) -> tuple[str, int, int]:
    first = (time.quarter - 1) * _MONTHS_OF_A_QUARTER
    return f"{time.year}-Q{time.quarter}", time.year * 12 + first, _MONTHS_OF_A_QUARTER


def _year(time: pd.Timestamp) -> tuple[str, int, int]:
    return str(time.year), time.year * 12, 12


def _decade(time: pd.Timestamp) -> tuple[str, int, int]:
    first = time.year // 10 * 10
    return f"{first}s", first * 12, 120


# For each period: its label, its first month, and its number of months.
_PERIODS: Mapping[str, Callable[[pd.Timestamp], tuple[str, int, int]]] = {
    "month": _month,
    "quarter": _quarter,
    "year": _year,
    "decade": _decade,
}


def of_prefixes(column: CodedColumn, prefixes: Sequence[int]) -> Iterator[Level]:
    """Yield a level for each length: the first characters, and `*` for each of the others."""
    texts = [str(value) for value in column.distinct]
    for length in prefixes:
        labels = [f"{text[:length]}{ANY * len(text[length:])}" for text in texts]
        yield _level(labels, _shares_of_words(labels))


def of_words(column: CodedColumn, words: Mapping[str, Sequence[str]], parameter: str) -> Iterator[Level]:
    """Yield the levels that are given word by word; each value of the column must be among them."""
    texts = [str(value) for value in column.distinct]
    for text in texts:
        if text not in words:
            raise TaskError(
                f"the column `{column.name}` has the value `{text}`, which has no levels",
                parameter=parameter,
                hint=nearest(text, list(words)) or f"add it under `words` of `{column.name}`",
            )
    for level in range(len(next(iter(words.values())))):
        labels = [words[text][level] for text in texts]
        yield _level(labels, _shares_of_words(labels))


def _level(labels: Sequence[str | None], losses: FloatArray) -> Level:
    return Level(labels=[None, *labels], losses=np.concatenate(([0.0], losses)))


def _covered(numbers: FloatArray, starts: FloatArray, ends: FloatArray) -> FloatArray:
    """Return the share of the column's range that each range covers."""
    if len(numbers) == 0 or numbers[-1] == numbers[0]:
        return np.zeros(len(numbers))
    within = np.minimum(ends, numbers[-1]) - np.maximum(starts, numbers[0])
    shares: FloatArray = np.maximum(within, 0.0) / (numbers[-1] - numbers[0])
    return shares


def _shares_of_words(labels: Sequence[Any]) -> FloatArray:
    """Return for each word how many of the others have the same label, as a share."""
    codes, distinct = pd.factorize(np.asarray(labels, dtype=object))
    sizes = np.bincount(codes, minlength=len(distinct))
    shares: FloatArray = (sizes[codes] - 1) / max(1, len(labels) - 1)
    return shares


def _require_kind(column: CodedColumn, kind: ColumnKind, way: str, parameter: str) -> None:
    if column.kind is not kind and column.distinct:
        held = "numbers" if kind is ColumnKind.NUMBER else "dates or times"
        raise TaskError(
            f"the column `{column.name}` contains no {held}, but its hierarchy has `{way}`",
            parameter=parameter,
            hint="use `words` or `prefixes` for words, `widths` for numbers and `periods` for times",
        )
