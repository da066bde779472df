"""Text files with delimiters: which encoding, delimiter and decimal mark, what is certain and what is not."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowlock_core.documents import marked_encoding, place_of_byte
from flowlock_core.errors import TaskError
from flowlock_core.tables.certainty import (
    decimal_mark,
    encloses_fields,
    marks_texts,
    quoted_columns,
    require_certain_nulls,
)
from flowlock_core.tables.columns import Columns, column_of_texts

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

NO_DATA = "FL730"
DELIMITERS = (",", ";", "\t", "|")
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
# Rows that are compared with the header to find the delimiter; all rows are compared once it is known.
_SAMPLE = 200
# How files begin that are often named .csv: spreadsheets, and what a website sends instead of a table.
_OTHER_FORMATS = (
    (b"pk\x03\x04", "an Excel file or another ZIP archive", "name it .xlsx, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls)", "save it as .xlsx or as CSV"),
    (b"par1", "a Parquet file", "name it .parquet"),
    (b"\x1f\x8b", "compressed with gzip", "decompress it"),
    (b"%pdf-", "a PDF document", "export the table as CSV"),
    (b"<!doctype html", "a web page", "download the table itself: the page may ask for a sign-in"),
    (b"<html", "a web page", "download the table itself: the page may ask for a sign-in"),
)
_LARGEST = 2**31 - 64
_LONGEST_FIELD = 2**27


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A text with delimiters, and the file that it was read from; `first_line` is the header's."""

    file: Path
    content: str
    first_line: int = 1

    def refused(
        self, message: str, line: int | None = None, *, parameter: str = "path", hint: str | None = None
    ) -> TaskError:
        """Return the error of a text that cannot be read as a table."""
        where = str(self.file) if line is None else f"{self.file}:{line}"
        return TaskError(f"{where}: {message}", code=NO_DATA, parameter=parameter, hint=hint)


def read_delimited(
    path: Path, said: Columns, *, delimiter: str | None, decimal: str | None, encoding: str | None
) -> "pd.DataFrame":
    """Read a table; whatever is None is found out where it is certain, and a TaskError asks for it else."""
    import pandas as pd

    text = _text(path, encoding)
    if delimiter is None:
        delimiter = _delimiter(text)
    if delimiter == decimal:
        raise TaskError(
            "the delimiter and the decimal mark must differ", parameter="decimal", hint="change one of them"
        )
    header = _header(text, delimiter)
    said.require(header)
    fields = zip(header, _fields(text, delimiter, len(header)), strict=True)
    columns = {name: texts for name, texts in fields if said.wants(name)}
    quotes = quoted_columns(text.content, delimiter)
    quoted = {name: marks_texts(quotes, header.index(name)) for name in columns}
    said = replace(said, decimal_mark=decimal or decimal_mark(columns, said, quoted))
    series = {
        name: column_of_texts(name, texts, said, quoted=quoted[name]) for name, texts in columns.items()
    }
    require_certain_nulls(columns, series, said)
    return pd.DataFrame(series)


def _text(path: Path, encoding: str | None) -> Text:
    data = path.read_bytes()
    if len(data) > _LARGEST:
        raise TaskError(
            f"{path} is larger than 2 GB", code=NO_DATA, parameter="path", hint="convert it to Parquet"
        )
    other = _other_format(data)
    if other is not None:
        raise TaskError(
            f"{path} is {other[0]}, not a text file", code=NO_DATA, parameter="path", hint=other[1]
        )
    content = _decoded(data, path, encoding)
    stripped = content.lstrip("\r\n")
    if not stripped.strip():
        raise TaskError(
            f"the file {path} is empty and has no header",
            code=NO_DATA,
            parameter="path",
            hint="check the file",
        )
    lines = len(re.findall(r"\r\n|\r|\n", content[: len(content) - len(stripped)]))
    text = Text(file=path, content=stripped, first_line=lines + 1)
    if "\0" in stripped:
        raise text.refused(
            "it contains NUL characters, so it is not text in this encoding",
            hint="set `encoding`, for example utf-16",
            parameter="encoding",
        )
    return text


def _other_format(data: bytes) -> tuple[str, str] | None:
    """Return what a file is that is named like a text file and is none, and what to do about it."""
    start = data[:1024].lstrip().lower()
    for prefix, found, hint in _OTHER_FORMATS:
        if start.startswith(prefix):
            return found, hint
    return None


def _decoded(data: bytes, path: Path, encoding: str | None) -> str:
    marked = marked_encoding(data)
    if encoding is not None:
        _require_text_encoding(encoding)
        said = codecs.lookup(encoding).name
        encoding = marked if marked and marked.removesuffix("-sig").startswith(said[:6]) else encoding
    try:
        return data.decode(encoding or marked or "utf-8")
    except UnicodeDecodeError as error:
        line, column = place_of_byte(data, error.start)
        name = error.encoding.upper()
        raise TaskError(
            f"{path}:{line}:{column}: the byte 0x{data[error.start]:02X} is not {name}",
            code=NO_DATA,
            parameter="encoding" if encoding else "path",
            hint="set `encoding`, for example windows-1252, latin-1 or utf-16",
        ) from error


def _require_text_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except (LookupError, UnicodeError) as error:
        raise TaskError(
            f"`{encoding}` is not the name of a text encoding",
            parameter="encoding",
            hint="for example utf-8, utf-16, latin-1, windows-1252",
        ) from error


def _records(content: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line, from 0, that it begins on; empty lines are empty records."""
    # The module's own limit is 128 kB a field; a geometry may have more. The limit is that of the whole
    # process, and other threads read too: it is only ever raised.
    csv.field_size_limit(max(_LONGEST_FIELD, csv.field_size_limit()))
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    line = 0
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _RecordError(line, str(error)) from error
        yield line, record
        line = reader.line_num


class _RecordError(Exception):
    """A record that cannot be read: the line, from 0, that it begins on."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def _delimiter(text: Text) -> str:
    """Return the one delimiter that the header has and all rows of the sample agree on."""
    header = text.content.splitlines()[0]
    agreed = _agreed(text.content)
    present = [mark for mark in DELIMITERS if mark in header]
    # Where the rows agree with the header about none, the error about the rows has the line.
    candidates = agreed or present
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise _uncertain(text, candidates, 'set `delimiter`, for example `delimiter: ";"`')
    if _agree(text.content, " "):
        hint = 'set `delimiter: " "` if there are several columns, or `delimiter: ","` if there is one'
        raise _uncertain(text, [" "], hint)
    return ","


def _agreed(content: str) -> list[str]:
    """Return the delimiters on which header and rows agree, those inside quotes only if there is no other."""
    agreed = [mark for mark in DELIMITERS if _agree(content, mark)]
    enclosing = [mark for mark in agreed if encloses_fields(content, mark, _SAMPLE)]
    return enclosing or agreed


def _uncertain(text: Text, candidates: Sequence[str], hint: str) -> TaskError:
    names = " or ".join(_DELIMITER_NAMES[mark] for mark in candidates)
    message = f"the delimiter is ambiguous: it may be {names}"
    return text.refused(message, text.first_line, parameter="delimiter", hint=hint)


def _agree(content: str, delimiter: str) -> bool:
    """Return whether header and rows have the same number of fields, two or more."""
    count = 0
    try:
        for number, (_, record) in enumerate(_records(content, delimiter)):
            if number == 0:
                count = len(record)
            if number > _SAMPLE:
                break
            if record and len(record) != count:
                return False
    except _RecordError:
        return False
    return count > 1


def _header(text: Text, delimiter: str) -> list[str]:
    """Return the names of the columns, once every record is known to have a field for each."""
    names: list[str] = []
    try:
        for line, record in _records(text.content, delimiter):
            if not names:
                names = record
                require_names(names, f"{text.file}:{text.first_line}")
            elif record and len(record) != len(names):
                raise _wrong_length(text, line, record, names)
    except _RecordError as error:
        reason = (
            "a quoted string is not closed"
            if "end of data" in str(error)
            else "there is a quote inside an unquoted string"
        )
        hint = 'double a quote inside a quoted string: ""'
        raise text.refused(reason, text.first_line + error.line, hint=hint) from error
    return names


def require_names(names: Sequence[str], where: str) -> None:
    """Raise a TaskError unless each column has a unique name."""
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise TaskError(
                f"{where}: the column {number} of {len(names)} has no name",
                code=NO_DATA,
                parameter="path",
                hint="name each column in the header; a delimiter at the end of a line starts another column",
            )
        if name in seen:
            raise TaskError(
                f"{where}: the columns {seen[name]} and {number} are both named `{name}`",
                code=NO_DATA,
                parameter="path",
                hint="give each column a unique name",
            )
        seen[name] = number


def _wrong_length(text: Text, line: int, record: Sequence[str], names: Sequence[str]) -> TaskError:
    fields = "1 field" if len(record) == 1 else f"{len(record)} fields"
    hint = "complete the row, or set `delimiter` if another character separates the columns"
    if len(names) == 1:
        hint = "delete the lines above the header, or set `delimiter` if the header has more than one column"
    elif len(record) > len(names):
        hint = "put strings that contain the delimiter in quotes, name all columns, or set `delimiter`"
    return text.refused(
        f"the row has {fields}, but the header has {len(names)}", text.first_line + line, hint=hint
    )


def _fields(text: Text, delimiter: str, count: int) -> "list[pa.Array]":
    """Return the columns as texts; a field that is empty and not quoted is missing."""
    import pyarrow as pa
    from pyarrow import csv as pa_csv

    data = text.content.encode()
    names = [f"f{number}" for number in range(count)]
    table = pa_csv.read_csv(
        pa.BufferReader(data),
        # One block: a record must not reach over the end of one.
        read_options=pa_csv.ReadOptions(
            autogenerate_column_names=True, use_threads=False, block_size=len(data) + 64
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            # With one column, an empty line is a missing value.
            ignore_empty_lines=count > 1,
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
    )
    return [table.column(name).slice(1).combine_chunks() for name in names]


def header_names(names: Sequence[Any]) -> list[str]:
    """Return names of columns that came from cells as texts; what is missing is an empty name."""
    return ["" if name is None else str(name) for name in names]
