"""From texts and plain values to typed columns of a table, without losing a digit."""

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_names_among

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# Missing numbers and booleans are written in many ways; in columns of strings, these words are kept.
NULL_WORDS = (
    "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "Null", "null", "None", "NaT",
)  # fmt: skip
TRUE_WORDS = ("true", "True", "TRUE")
FALSE_WORDS = ("false", "False", "FALSE")
INTEGER = r"^ *(?:0|-?[1-9][0-9]*) *$"
# float64 keeps 15 digits in any case; more must be compared.
_CERTAIN_DIGITS = 15
# No float64 has more digits.
_MOST_DIGITS = 767
_EXACT_INTEGERS = 2**53
_PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INT64 = (-(2**63), 2**63 - 1)
_UINT64_MAX = 2**64 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """What is said about the columns of a table; all others are read as what their texts are.

    `only` are those that are wanted, all of them if it is empty.
    """

    only: Collection[str] = ()
    texts: Collection[str] = ()
    times: Collection[str] = ()
    numbers: Collection[str] = ()
    decimals: Collection[str] = ()
    null_words: Collection[str] | None = None
    decimal_mark: str = "."

    def require(self, names: Sequence[str]) -> None:
        """Raise a TaskError that names the first column that something is said about and is absent."""
        require_names_among(names, list(self.only), "columns")
        require_names_among(names, list(self.times), "time_columns")
        require_names_among(names, list(self.texts), "text_columns")
        require_names_among(names, list(self.numbers), "number_columns")
        require_names_among(names, list(self.decimals), "decimal_columns")

    def wants(self, name: str) -> bool:
        """Return whether a column is wanted."""
        return not self.only or name in self.only

    def words_of(self, name: str) -> Collection[str]:
        """Return the words that stand for a missing value in a column wherever they occur."""
        return () if name in self.texts else self.null_words or ()

    def other_words(self) -> Collection[str]:
        """Return the words that stand for a missing value among numbers, booleans and times."""
        return ("", *(NULL_WORDS if self.null_words is None else self.null_words))


def number_pattern(mark: str) -> str:
    """Return the pattern of a number that changes nothing when it is read: no leading zero, no plus."""
    point = re.escape(mark)
    digits = rf"-?(?:(?:0|[1-9][0-9]*)(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    return rf"^ *(?:{digits}|-?(?:inf|Inf|INF|[iI]nfinity)) *$"


def keeps_digits(text: str) -> bool:
    """Return whether a float64 represents the written digits of a number exactly."""
    value = float(text)
    if repr(value) == text:
        return True
    if math.isinf(value):
        return "inf" in text.lower()
    number = Decimal(text.strip())
    if not value:
        return not number
    count = len("".join(map(str, number.as_tuple().digits)).strip("0"))
    if count <= _CERTAIN_DIGITS:
        return True
    return count <= _MOST_DIGITS and Decimal(f"{value:.{count - 1}e}") == number


def column_of_texts(
    name: str, texts: "pa.Array", said: Columns, *, quoted: Callable[[], bool]
) -> "pd.Series[Any]":
    """Return a column of a file without types; `quoted` tells whether its quotes mark its values as texts."""
    import pandas as pd

    if name in said.texts:
        return series_of(name, texts)
    texts = _without(texts, said.words_of(name))
    plain = _without(texts, said.other_words())
    if name in said.times:
        return series_of(name, plain)
    if name in said.decimals:
        decimals = _numbers_in(name, plain, said, "decimal_columns")
        return pd.Series(decimals, name=name, dtype="object")
    if name in said.numbers:
        return _said_numbers(name, plain, said)
    return _certain(name, texts, plain, said=said, quoted=quoted)


def _certain(
    name: str, texts: "pa.Array", plain: "pa.Array", *, said: Columns, quoted: Callable[[], bool]
) -> "pd.Series[Any]":
    """Return a column as numbers or booleans if all of its texts are, else as texts.

    In `plain`, the words that usually stand for missing values are missing values.
    """
    import pyarrow.compute as pc

    if plain.null_count == len(plain):
        return series_of(name, texts) if texts.null_count < len(texts) else _nothing(name, len(texts))
    if _all_match(plain, number_pattern(said.decimal_mark)):
        return series_of(name, texts) if quoted() else _numbers(name, plain, said)
    is_boolean = _is_word(plain, (*TRUE_WORDS, *FALSE_WORDS))
    if pc.all(is_boolean).as_py():
        return series_of(name, texts) if quoted() else series_of(name, _is_word(plain, TRUE_WORDS))
    return series_of(name, texts)


def _without(texts: "pa.Array", words: Collection[str]) -> "pa.Array":
    """Return texts without some words, which stand for missing values."""
    import pyarrow.compute as pc

    return pc.if_else(_is_word(texts, words), None, texts) if words else texts


def _is_word(texts: "pa.Array", words: Collection[str]) -> "pa.Array":
    """Return whether each string is one of some words; null for missing strings."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_in = pc.is_in(texts, value_set=pa.array(list(words), texts.type))
    return pc.if_else(pc.is_valid(texts), is_in, None)


def _all_match(texts: "pa.Array", pattern: str) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _nothing(name: str, length: int) -> "pd.Series[Any]":
    """Return a column without any value: nobody can tell its type, and every task takes numbers."""
    import pandas as pd

    return pd.Series([math.nan] * length, name=name, dtype="float64")


def series_of(name: str, array: "pa.Array") -> "pd.Series[Any]":
    """Return an Arrow array as a column; one with missing values keeps its type."""
    import pandas as pd
    import pyarrow as pa

    types: dict[Any, Any] = {
        pa.large_string(): pd.StringDtype(na_value=math.nan),
        pa.string(): pd.StringDtype(na_value=math.nan),
    }
    if array.null_count:
        types |= {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype()}
    series: pd.Series[Any] = pa.chunked_array([array]).to_pandas(types_mapper=types.get)
    return series.rename(name)


def _numbers(name: str, texts: "pa.Array", said: Columns) -> "pd.Series[Any]":
    """Return a column of numbers; integers beyond 64 bits stay texts, as long identifiers are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim(texts, characters=" ")
    if _all_match(trimmed, INTEGER):
        for integers in (pa.int64(), pa.uint64()):
            try:
                return series_of(name, pc.cast(trimmed, integers))
            except pa.ArrowInvalid:
                continue
        return series_of(name, texts)
    if said.decimal_mark != ".":
        trimmed = pc.replace_substring(trimmed, said.decimal_mark, ".")
    long = pc.filter(
        trimmed, pc.match_substring_regex(trimmed, rf"(?:[0-9][^0-9eE]?){{{_CERTAIN_DIGITS + 1}}}|[eE]")
    )
    for text in pc.unique(pc.drop_null(long)).to_pylist():
        if not keeps_digits(text):
            raise _rounded(name, text)
    return series_of(name, pc.cast(trimmed, pa.float64()))


def _rounded(name: str, text: str) -> TaskError:
    return TaskError(
        f"the column `{name}` contains {text}, which a 64-bit number cannot represent exactly",
        parameter="path",
        hint=f"set `decimal_columns: [{name}]` to keep all digits, `number_columns: [{name}]` to round them, "
        f"or `text_columns: [{name}]`",
    )


def _said_numbers(name: str, texts: "pa.Array", said: Columns) -> "pd.Series[Any]":
    """Return a column that is said to hold numbers: leading zeros and signs go, digits are rounded."""
    import pyarrow as pa

    numbers = _numbers_in(name, texts, said, "number_columns")
    if all(number is None or _is_int64(number) for number in numbers):
        integers = [None if number is None else int(number) for number in numbers]
        return series_of(name, pa.array(integers, pa.int64()))
    floats = [None if number is None else float(number) for number in numbers]
    return series_of(name, pa.array(floats, pa.float64()))


def _is_int64(number: Decimal) -> bool:
    return _INT64[0] <= number <= _INT64[1] and number == number.to_integral_value()


def _numbers_in(name: str, texts: "pa.Array", said: Columns, parameter: str) -> list[Decimal | None]:
    return [
        None if text is None else _number(name, text, said.decimal_mark, parameter)
        for text in texts.to_pylist()
    ]


def _number(name: str, text: str, mark: str, parameter: str) -> Decimal:
    plain = text.strip()
    if mark != ".":
        # A point groups thousands there, or the text is not a number.
        plain = plain.replace(".", "?").replace(mark, ".")
    if not _PLAIN_NUMBER.fullmatch(plain):
        raise TaskError(
            f"the column `{name}` contains `{text}`, which is not a number",
            parameter=parameter,
            hint="remove the column from this parameter, or list the word under `null_words`",
        )
    return Decimal(plain)


def column_of_values(name: str, values: Sequence[Any], said: Columns) -> "pd.Series[Any]":
    """Return a column of plain values (JSON, Excel) as what all of them are; mixed ones stay as they are."""
    import pandas as pd

    words = said.words_of(name)
    kept = [None if isinstance(value, str) and value in words else value for value in values]
    if all(value is None for value in kept):
        return _nothing(name, len(kept))
    if name in said.texts:
        _require_texts(name, kept)
    if name in said.decimals:
        decimals = _each(kept, lambda value: _number(name, str(value), ".", "decimal_columns"))
        return pd.Series(decimals, name=name, dtype="object")
    if name in said.numbers:
        kept = _each(kept, lambda value: _value_as_number(name, value))
    return pd.Series(_array_of(name, kept), name=name)


def _each(values: Sequence[Any], convert: Callable[[Any], Any]) -> list[Any]:
    return [None if value is None else convert(value) for value in values]


def _require_texts(name: str, values: Sequence[Any]) -> None:
    for value in values:
        if value is not None and not isinstance(value, str):
            raise TaskError(
                f"the column `{name}` contains {value!r}, which is not a string in the file",
                parameter="text_columns",
            )


def _value_as_number(name: str, value: Any) -> int | float:
    number = _number(name, str(value), ".", "number_columns")
    return int(number) if _is_int64(number) else float(number)


def _array_of(name: str, values: Sequence[Any]) -> Any:
    """Return the array that holds values exactly."""
    import pandas as pd

    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    missing = len(present) < len(values)
    if kinds == {str}:
        return pd.array(values, dtype=pd.StringDtype(na_value=math.nan))
    if kinds == {bool}:
        return pd.array(values, dtype="boolean" if missing else "bool")
    if kinds == {int}:
        return _integers(values, present, missing=missing)
    if kinds <= {int, float, Decimal}:
        return _floats(name, values, present)
    return pd.array(pd.Series(values, dtype="object"))


def _integers(values: Sequence[Any], present: Sequence[int], *, missing: bool) -> Any:
    import pandas as pd

    least, most = min(present), max(present)
    if least >= _INT64[0] and most <= _INT64[1]:
        return pd.array(values, dtype="Int64" if missing else "int64")
    if least >= 0 and most <= _UINT64_MAX:
        return pd.array(values, dtype="UInt64" if missing else "uint64")
    return pd.array(pd.Series(values, dtype="object"))


def _floats(name: str, values: Sequence[Any], present: Sequence[Any]) -> Any:
    import pandas as pd

    for value in present:
        # A Decimal stands for a number whose digits a float does not have.
        if isinstance(value, Decimal) or (
            isinstance(value, int) and not (abs(value) <= _EXACT_INTEGERS or keeps_digits(str(value)))
        ):
            raise _rounded(name, str(value))
    return pd.array([math.nan if value is None else float(value) for value in values], dtype="float64")
