"""Tasks that read tables and write tables and text."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from flowlock_core.connections import Connection
from flowlock_core.connections.objects import local_copy, refuse_connection, uploaded
from flowlock_core.connections.s3 import S3
from flowlock_core.documents.times import to_times
from flowlock_core.errors import TaskError
from flowlock_core.execute.context import current
from flowlock_core.store.whole_files import whole
from flowlock_core.tables.columns import Columns
from flowlock_core.tables.files import Source, TableFormat, WrittenFormat, format_of, read_table, write_table
from flowlock_core.task import task
from flowlock_core.types import DataFrame, InputFile, ObjectUrl, OutputFile, OutputName

_DELIMITER_WORDS = {"tab": "\t", "space": " ", "comma": ",", "semicolon": ";", "bar": "|"}
NOTHING: list[str] = []

TableFile: TypeAlias = Annotated[
    InputFile,
    Field(
        title="File",
        description="A table in CSV or other delimited text, Parquet, JSON (a list of objects, one for each "
        "row) or Excel.",
    ),
]
ReadFormat: TypeAlias = Annotated[
    TableFormat | None,
    Field(title="Format", description="The format of the file; taken from its suffix if left empty."),
]
KeptColumns: TypeAlias = Annotated[
    list[str], Field(title="Columns", description="The columns to keep, in this order; empty for all.")
]
TimeColumns: TypeAlias = Annotated[
    list[str],
    Field(title="Time columns", description="Columns to read as dates or times, in ISO 8601."),
]
TimeFormat: TypeAlias = Annotated[
    str | None,
    Field(
        title="Time format",
        description="The format of the time columns if it is not ISO 8601, for example %d.%m.%Y.",
        min_length=2,
    ),
]
TextColumns: TypeAlias = Annotated[
    list[str],
    Field(title="Text columns", description="Columns to read as text, such as 007, NA or 1e5."),
]
NumberColumns: TypeAlias = Annotated[
    list[str],
    Field(
        title="Number columns",
        description="Columns to read as numbers although they have leading zeros, quotes, or more digits "
        "than a 64-bit number can hold.",
    ),
]
DecimalColumns: TypeAlias = Annotated[
    list[str],
    Field(title="Decimal columns", description="Columns to read as numbers that keep all digits."),
]
NullWords: TypeAlias = Annotated[
    list[str] | None,
    Field(
        title="Missing-value words",
        description="Words that mean a missing value, in addition to empty fields. By default, NA, NaN and "
        "NULL do so in columns of numbers.",
    ),
]
Delimiter: TypeAlias = Annotated[
    str | None,
    Field(
        title="Delimiter",
        description="The character that separates the columns of a text file, or its name: tab, space, "
        "comma, semicolon or bar. Detected when it is unambiguous.",
        min_length=1,
    ),
]
DecimalMark: TypeAlias = Annotated[
    Literal[".", ","] | None,
    Field(
        title="Decimal mark",
        description="The decimal mark of a text file. Detected when it is unambiguous.",
    ),
]
Encoding: TypeAlias = Annotated[
    str | None,
    Field(title="Encoding", description="The encoding of a text file; UTF-8 if left empty.", min_length=1),
]
Sheet: TypeAlias = Annotated[
    str | None, Field(title="Sheet", description="The sheet to read from an Excel file that has several.")
]
ObjectStore: TypeAlias = Annotated[
    Annotated[S3, Connection] | None,
    Field(title="Connection", description="The name of a connection, if the file is a URL such as s3://…."),
]


@task(tags=("io",), example="examples/table.csv")
def load_table(
    path: TableFile,
    format: ReadFormat = None,  # noqa: A002 - the word that authors expect
    columns: KeptColumns = NOTHING,
    time_columns: TimeColumns = NOTHING,
    *,
    time_format: TimeFormat = None,
    text_columns: TextColumns = NOTHING,
    number_columns: NumberColumns = NOTHING,
    decimal_columns: DecimalColumns = NOTHING,
    null_words: NullWords = None,
    delimiter: Delimiter = None,
    decimal: DecimalMark = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    connection: ObjectStore = None,
) -> DataFrame:
    """Load a table from a file.

    A relative path is relative to the folder of the parameters file. No value is changed: what can be read in
    two ways is refused, with the parameter that settles it.
    """
    column_types = Columns(
        only=columns,
        times=time_columns,
        texts=text_columns,
        numbers=number_columns,
        decimals=decimal_columns,
        null_words=null_words,
    )
    _require_one_type_each(column_types)
    source = Source(
        format=format,
        delimiter=_delimiter(delimiter),
        decimal=decimal,
        encoding=encoding,
        sheet=sheet,
        columns=column_types,
    )
    with local_copy(path, connection) as file:
        df = read_table(file, source)
    kept = df[columns] if columns else df
    times = {column: to_times(kept[column], column, time_format) for column in time_columns}
    return kept.assign(**times)


def _require_one_type_each(said: Columns) -> None:
    seen: dict[str, str] = {}
    named = {
        "time_columns": said.times,
        "text_columns": said.texts,
        "number_columns": said.numbers,
        "decimal_columns": said.decimals,
    }
    for parameter, columns in named.items():
        for column in columns:
            if seen.setdefault(column, parameter) != parameter:
                raise TaskError(
                    f"the column `{column}` is also listed under `{seen[column]}`",
                    parameter=parameter,
                    hint="list it under only one of them",
                )


def _delimiter(text: str | None) -> str | None:
    mark = _DELIMITER_WORDS.get(text or "", text)
    if mark is not None and (len(mark) != 1 or mark.isalnum() or mark in '"\r\n'):
        raise TaskError(
            f"`{mark}` cannot be used as a delimiter",
            parameter="delimiter",
            hint=f"one character, or one of {', '.join(_DELIMITER_WORDS)}",
        )
    return mark


@task(tags=("output",))
def save_table(
    df: Annotated[DataFrame, Field(title="Table", description="The table to save.")],
    filename: Annotated[
        OutputFile,
        Field(
            title="File name",
            description="The name inside the results folder; the suffix selects the format. With a "
            "connection, a URL.",
        ),
    ],
    format: Annotated[  # noqa: A002 - the word that authors expect
        WrittenFormat | None,
        Field(
            title="Format",
            description="CSV, TSV, Parquet or JSON; taken from the file's suffix if left empty.",
        ),
    ] = None,
    *,
    connection: ObjectStore = None,
    mode: Annotated[
        Literal["create", "replace"],
        Field(
            title="Mode",
            description="create: an object at a URL must not exist; replace: replace the object.",
        ),
    ] = "create",
) -> str:
    """Save a table to the results folder and return the file's path.

    When it is mapped over groups, each group's name becomes a part of its file's name. A URL is written
    through a connection, wholly or not at all; with mocked input and output, to the results folder.
    """
    kind = format_of(filename, TableFormat(format) if format else None, "filename")
    if "://" not in filename:
        refuse_connection(connection, "filename")
        return _save(df, filename, kind)
    url = ObjectUrl.parse(filename)
    if connection is not None and connection.mocked:
        return _save(df, f"{url.bucket}/{url.key}", kind)
    url = url.renamed(current().name_in_map(url.name))
    with uploaded(url, connection, mode=mode) as file:
        write_table(df, file, kind)
    return str(url)


def _save(df: DataFrame, name: str, kind: TableFormat) -> str:
    path = current().output_path(name)
    try:
        with whole(path) as temporary:
            write_table(df, temporary, kind)
    except OSError as error:
        raise TaskError(
            f"cannot write {path}: {error.strerror or error}", code="FL734", parameter="filename"
        ) from error
    return str(path)


@task(tags=("output",))
def persist_text(
    text: Annotated[str, Field(title="Text", description="The text to write, in UTF-8.")],
    filename: Annotated[
        OutputName, Field(title="File name", description="The name inside the results folder.")
    ],
) -> str:
    """Write text to the results folder and return the file's path.

    When it is mapped over groups, each group's name becomes a part of its file's name.
    """
    path = current().output_path(filename)
    try:
        with whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise TaskError(
            f"cannot write {path}: {error.strerror or error}", code="FL734", parameter="filename"
        ) from error
    return str(path)
