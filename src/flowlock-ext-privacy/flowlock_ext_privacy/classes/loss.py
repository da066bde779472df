"""How much precision a published column lost, read from its labels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

import pandas as pd

from flowlock_core.errors import TaskError
from flowlock_ext_privacy.classes.columns import CodedColumn, ColumnKind
from flowlock_ext_privacy.classes.labels import ANY, BELOW, TO, value_texts, words_of
from flowlock_ext_privacy.classes.levels import Level


def label_losses(
    original: CodedColumn, labels: Iterable[str], levels: Sequence[Level]
) -> Mapping[str, float]:
    """Return for each label the share of the original column that it covers: 0 for a value, 1 for `*`.

    `levels` are those of the column's hierarchy, whose labels may be any text.
    """
    known = {ANY: 1.0}
    for level in levels:
        for label, loss in zip(level.labels, level.losses.tolist(), strict=True):
            if label is not None:
                known[label] = max(loss, known.get(label, 0.0))
    for text in (*value_texts(original), *map(str, original.distinct)):
        known.setdefault(text, 0.0)
    covered = _covered_words(original) if original.kind is ColumnKind.WORD else _covered_range(original)
    return {
        label: known[label] if label in known else _required(covered, original, label) for label in labels
    }


def _required(covered: Callable[[str], float | None], original: CodedColumn, label: str) -> float:
    share = covered(label)
    if share is None:
        raise TaskError(
            f"the column `{original.name}` has the label `{label}`, whose loss cannot be measured",
            parameter="anonymized",
            hint="give the hierarchy that the label is from under `hierarchies`",
        )
    return share


def _covered_words(original: CodedColumn) -> Callable[[str], float | None]:
    """Return what measures sets of words; None for a label that is not a set of words of the column."""
    known = set(map(str, original.distinct))

    def covered(label: str) -> float | None:
        words = words_of(label)
        if not words or not known.issuperset(words):
            return None
        return (len(words) - 1) / max(1, len(known) - 1)

    return covered


def _covered_range(original: CodedColumn) -> Callable[[str], float | None]:
    """Return what measures ranges, within the finite values of the column; None for another label."""
    numbers = [_number(str(value), original.kind) for value in original.distinct]
    finite = [number for number in numbers if isfinite(number)]
    lowest, highest = (finite[0], finite[-1]) if finite else (0.0, 0.0)

    def covered(label: str) -> float | None:
        first, separator, last = label.partition(BELOW if BELOW in label else TO)
        if not separator:
            return None
        try:
            start, end = _number(first, original.kind), _number(last, original.kind)
        except ValueError:
            return None
        within = min(end, highest) - max(start, lowest)
        return max(0.0, within / (highest - lowest)) if highest > lowest else 0.0

    return covered


def _number(text: str, kind: ColumnKind) -> float:
    value: Any = pd.Timestamp(text).timestamp() if kind is ColumnKind.TIME else float(text)
    return float(value)
