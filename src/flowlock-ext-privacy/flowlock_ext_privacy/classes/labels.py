"""What a class of rows shows instead of its values: a value, a range, a set of words, or `*`."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from flowlock_ext_privacy.classes.columns import CodedColumn, ColumnKind, IntArray

ANY = "*"
TO = " to "
BELOW = " to below "
OR = " | "
# A word of a set, and the end of it: in quotes if it could be read in another way.
_WORD = re.compile(r'("(?:[^"\\]|\\.)*"|[^|"][^|]*?)(?: \| |$)')


def value_texts(column: CodedColumn) -> list[str]:
    """Return the label of each distinct value of a column."""
    return _texts(column, column.distinct)


def _texts(column: CodedColumn, values: Sequence[Any]) -> list[str]:
    if column.kind is ColumnKind.WORD:
        return [_quoted(str(value)) for value in values]
    if column.kind is ColumnKind.NUMBER:
        return [number_text(value) for value in values]
    times = [pd.Timestamp(value) for value in values]
    if _are_days(column.distinct):
        return [time.date().isoformat() for time in times]
    return [time.isoformat() for time in times]


def _are_days(values: Sequence[Any]) -> bool:
    if all(isinstance(value, pd.Timestamp) for value in values):
        index = pd.DatetimeIndex(list(values))
        return bool((index == index.normalize()).all())
    return all(pd.Timestamp(value) == pd.Timestamp(value).normalize() for value in values)


def number_text(value: Any) -> str:
    """Return a number without a fraction that is zero: a missing value made fractions of integers."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and plain.is_integer():
        return str(int(plain))
    return str(plain)


def _quoted(word: str) -> str:
    plain = word and word == word.strip() and word != ANY and "|" not in word and word[0] != '"'
    return word if plain else json.dumps(word, ensure_ascii=False)


def class_labels(column: CodedColumn, classes: IntArray, number: int) -> list[str | None]:
    """Return what each class shows of a column.

    A class with one value shows it; a missing value stays missing. A class with missing and other values, and
    one with all the words of the column, shows `*`.
    """
    # Each value of each class once, in the order of classes and values.
    size = len(column.distinct) + 1
    pairs = np.unique(classes * size + column.codes)
    starts = np.searchsorted(pairs, np.arange(number) * size)
    ends = np.append(starts[1:], len(pairs))
    codes = pairs % size
    if column.kind is ColumnKind.WORD:
        texts = value_texts(column)
        bounds = zip(starts.tolist(), ends.tolist(), strict=True)
        return [_set_label(texts, codes[start:end].tolist()) for start, end in bounds]
    first, last = codes[starts], codes[ends - 1]
    # Of many numbers, few are at the end of a class.
    shown = np.unique(np.concatenate((first, last)))
    shown = shown[shown > 0]
    ends_of_ranges = _texts(column, [column.distinct[code - 1] for code in shown.tolist()])
    text_of = dict(zip(shown.tolist(), ends_of_ranges, strict=True))
    return [_range_label(text_of, *pair) for pair in zip(first.tolist(), last.tolist(), strict=True)]


def _range_label(text_of: Mapping[int, str], first: int, last: int) -> str | None:
    """Return the label of a class from its smallest and its largest code."""
    if last == 0:
        return None
    if first == 0:
        return ANY
    return text_of[first] if first == last else f"{text_of[first]}{TO}{text_of[last]}"


def _set_label(texts: Sequence[str], codes: Sequence[int]) -> str | None:
    """Return the label of a class from its distinct codes, in their order."""
    if codes[-1] == 0:
        return None
    if codes[0] == 0:
        return ANY
    if len(codes) == len(texts) and len(codes) > 1:
        return ANY
    return OR.join(texts[code - 1] for code in codes)


def words_of(label: str) -> list[str]:
    """Return the words of a set."""
    return [_unquoted(word) for word in _WORD.findall(label)]


def _unquoted(word: str) -> str:
    if not word.startswith('"'):
        return word
    try:
        return str(json.loads(word))
    except ValueError:
        return word
