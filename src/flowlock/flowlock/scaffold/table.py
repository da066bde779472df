"""What a table is made of, as far as a first workflow over it needs to know."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from flowlock_core.documents.times import to_times
from flowlock_core.errors import TaskError
from flowlock_core.tables.columns import NULL_WORDS, Columns
from flowlock_core.tables.files import Source, read_table

if TYPE_CHECKING:
    import pandas as pd

# More different values than that make no chart that can be read.
MOST_CATEGORIES = 12


class ColumnKind(StrEnum):
    """What the values of a column are; a category is a text with few different values."""

    NUMBER = "number"
    TIME = "time"
    CATEGORY = "category"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column: its name, what its values are, and whether a row lacks one."""

    name: str
    kind: ColumnKind
    incomplete: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TableShape:
    """The columns of a table in their order, and its number of rows; `null_word` means a missing value."""

    columns: tuple[Column, ...]
    rows: int
    null_word: str | None = None

    def of_kind(self, kind: ColumnKind) -> list[Column]:
        """Return the columns of a kind, in their order."""
        return [column for column in self.columns if column.kind is kind]


def shape_of(path: Path) -> TableShape:
    """Read a table as `load_table` does; a TaskError says why it cannot.

    Where a word such as NA could be a text or a missing value, it is taken for the latter.
    """
    table, word = _read(path)
    columns = tuple(
        Column(name=str(name), kind=_kind(table[name], str(name)), incomplete=bool(table[name].isna().any()))
        for name in table.columns
    )
    return TableShape(columns=columns, rows=len(table), null_word=word)


def _read(path: Path) -> tuple["pd.DataFrame", str | None]:
    """Return a table, and the word for missing values that it cannot be read without."""
    try:
        return read_table(path), None
    except TaskError:
        for word in NULL_WORDS:
            try:
                return read_table(path, Source(columns=Columns(null_words=[word]))), word
            except TaskError:
                continue
        raise


def _kind(values: "pd.Series", name: str) -> ColumnKind:
    from pandas.api import types

    if types.is_numeric_dtype(values) and not types.is_bool_dtype(values):
        return ColumnKind.NUMBER
    if values.notna().any() and _are_times(values, name):
        return ColumnKind.TIME
    different = values.nunique()
    few = different <= MOST_CATEGORIES and different < len(values)
    return ColumnKind.CATEGORY if few else ColumnKind.TEXT


def _are_times(values: "pd.Series", name: str) -> bool:
    try:
        to_times(values, name)
    except TaskError:
        return False
    return True
