"""What texts leave open: the decimal mark, words for missing values, quotes that mark texts."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import TaskError
from flowlock_core.tables.columns import NULL_WORDS, Columns, number_pattern

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_NO_DATA = "FL730"
_GROUPED = re.compile(r" *-?[1-9][0-9]{0,2}(?:,[0-9]{3})+ *")


def decimal_mark(
    columns: "dict[str, pa.Array]", said: Columns, quoted: Mapping[str, Callable[[], bool]]
) -> str:
    """Return a comma if the numbers of a column can only be read with it; a TaskError if they may be.

    `quoted` maps each column to whether its quotes mark strings, which are then not numbers.
    """
    doubtful: tuple[str, str] | None = None
    for name, texts in columns.items():
        numbers = [] if name in {*said.texts, *said.times} else _comma_numbers(texts)
        if numbers and quoted[name]():
            continue
        for number in numbers:
            if not _GROUPED.fullmatch(number):
                return ","
            doubtful = doubtful or (name, number.strip())
    if doubtful is None:
        return "."
    name, number = doubtful
    raise TaskError(
        f"the column `{name}` contains {number}, in which the comma "
        "may be a decimal mark or a thousands separator",
        code=_NO_DATA,
        parameter="decimal",
        hint='set `decimal: ","` if it is a decimal mark, or `text_columns: '
        f"[{name}]` to keep the column as text",
    )


def _comma_numbers(texts: "pa.Array") -> list[str]:
    """Return the numbers with a comma of a column that holds nothing but numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pa.array(["", *NULL_WORDS], texts.type)
    present = pc.filter(texts, pc.invert(pc.is_in(pc.fill_null(texts, ""), value_set=words)))
    with_comma = pc.match_substring(present, ",")
    if (
        not pc.any(with_comma).as_py()
        or not pc.all(pc.match_substring_regex(present, number_pattern(","))).as_py()
    ):
        return []
    return list(pc.unique(pc.filter(present, with_comma)).to_pylist())


def require_certain_nulls(
    columns: "dict[str, pa.Array]", series: "dict[str, pd.Series[Any]]", said: Columns
) -> None:
    """Refuse a word that stands for a missing number in one column and is a text of another."""
    if said.null_words is not None:
        return
    typed = {name for name, column in series.items() if column.dtype.kind in "biuf"}
    among_numbers: dict[str, str] = {}
    for name in sorted(typed):
        among_numbers |= dict.fromkeys(_null_words_in(columns[name]), name)
    settled = {*typed, *said.texts, *said.times, *said.numbers, *said.decimals}
    for name, texts in columns.items():
        if name not in settled:
            _refuse_shared(name, _null_words_in(texts), among_numbers)


def _refuse_shared(name: str, words: set[str], among_numbers: Mapping[str, str]) -> None:
    for word in sorted(words & among_numbers.keys()):
        raise TaskError(
            f"`{word}` means a missing number in the column `{among_numbers[word]}`, "
            f"but is an ordinary string in the column `{name}`",
            code=_NO_DATA,
            parameter="null_words",
            hint=f"set `null_words: [{word}]` if it means a missing value "
            f"there too, or `text_columns: [{name}]`",
        )


def _null_words_in(texts: "pa.Array") -> set[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pa.array(list(NULL_WORDS), texts.type)
    return set(pc.unique(pc.filter(texts, pc.is_in(texts, value_set=words))).to_pylist())


def quoted_columns(content: str, delimiter: str) -> Callable[[], set[int]]:
    """Return a function for the numbers of the columns whose values have quotes to mark them as texts.

    It reads the file once, when it is first called.
    """

    @cache
    def columns() -> set[int]:
        if '"' not in content:
            return set()
        needlessly_quoted, quotes_mark_texts = _quotes_without_need(content, delimiter)
        return needlessly_quoted if quotes_mark_texts else set()

    return columns


def marks_texts(quotes: Callable[[], set[int]], number: int) -> Callable[[], bool]:
    """Return a function that returns whether quotes mark the values of a column as strings."""
    return lambda: number in quotes()


def unmarked_columns(content: str, delimiter: str) -> set[int]:
    """Return the numbers of the columns whose values are quoted needlessly: quotes do not mark strings."""
    quoted, marking = _quotes_without_need(content, delimiter)
    return set() if marking else quoted


def _quotes_without_need(content: str, delimiter: str) -> tuple[set[int], bool]:
    """Return the numbers of the columns with values that are quoted without need, and whether that says so.

    A program that quotes each field, the header's too, proves nothing by that.
    """
    needed = re.compile(rf'["{re.escape(delimiter)}\r\n]')
    quoted: set[int] = set()
    quoted_name = plain = False
    for row, column, text in _raw_fields(content, delimiter):
        if not text.startswith('"'):
            plain = plain or bool(text)
        elif text != '""' and not needed.search(text[1:-1]):
            quoted_name = quoted_name or row == 0
            if row:
                quoted.add(column)
    return quoted, plain or not quoted_name


def encloses_fields(content: str, delimiter: str, rows: int) -> bool:
    """Return whether the quotes in the first rows enclose whole fields, or are doubled within one."""
    for row, _, text in _raw_fields(content, delimiter):
        if row >= rows:
            break
        if '"' in text and not text.startswith('"'):
            return False
    return True


def _raw_fields(content: str, delimiter: str) -> Iterator[tuple[int, int, str]]:
    """Yield the row, the column and the text of each field, with its quotes."""
    mark = re.escape(delimiter)
    field = re.compile(rf'("(?:[^"]|"")*"|[^{mark}\r\n]*)({mark}|\r\n|\r|\n|\Z)')
    row = column = position = 0
    while position < len(content):
        match = field.match(content, position)
        if match is None:
            return
        yield row, column, match[1]
        column += 1
        if match[2] != delimiter:
            row, column = row + 1, 0
        position = match.end()
