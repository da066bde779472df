"""Tasks that read tables and write tables and text."""

from typing import Annotated

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.execute.context import current
from flowlock_core.tables import TableFormat, format_of, read_table, require_columns, to_times, write_table
from flowlock_core.task import task
from flowlock_core.types import DataFrame, InputPath, OutputName


@task(tags=("io",), example="examples/table.csv")
def load_table(
    path: Annotated[
        InputPath,
        Field(title="File", description="A table in CSV, Parquet or JSON (a list of objects, one a row)."),
    ],
    format: Annotated[  # noqa: A002 - the word that authors expect
        TableFormat | None,
        Field(title="Format", description="How the file is written; by its suffix if left empty."),
    ] = None,
    columns: Annotated[
        list[str], Field(title="Columns", description="The columns to keep, in this order; empty for all.")
    ] = [],  # noqa: B006 - never changed
    time_columns: Annotated[
        list[str],
        Field(title="Time columns", description="Columns to read as dates or times."),
    ] = [],  # noqa: B006 - never changed
) -> DataFrame:
    """Load a table from a file.

    A relative path is relative to the folder of the parameters file.
    """
    df = read_table(path, format)
    require_columns(df, columns, "columns")
    kept = df[columns] if columns else df
    require_columns(kept, time_columns, "time_columns")
    return _with_times(kept, time_columns)


def _with_times(df: DataFrame, columns: list[str]) -> DataFrame:
    times = {}
    for column in columns:
        try:
            times[column] = to_times(df[column])
        except (ValueError, TypeError) as error:
            # pandas goes on with advice about arguments of its own.
            reason = str(error).partition(". You might want")[0]
            raise TaskError(
                f"the column `{column}` holds values that are no dates: {reason}", parameter="time_columns"
            ) from error
    return df.assign(**times) if times else df


@task(tags=("output",))
def save_table(
    df: Annotated[DataFrame, Field(title="Table", description="The table to save.")],
    filename: Annotated[
        OutputName,
        Field(
            title="File name", description="Name inside the results folder; the suffix chooses the format."
        ),
    ],
    format: Annotated[  # noqa: A002 - the word that authors expect
        TableFormat | None,
        Field(title="Format", description="CSV, Parquet or JSON; by the file's suffix if left empty."),
    ] = None,
) -> str:
    """Save a table to the results folder and return the file's path.

    When it is mapped over groups, each group's name becomes a part of its file's name.
    """
    kind = format_of(filename, format, "filename")
    path = current().output_path(filename)
    try:
        write_table(df, path, kind)
    except OSError as error:
        raise TaskError(
            f"cannot write {path}: {error.strerror or error}", code="FL734", parameter="filename"
        ) from error
    return str(path)


@task(tags=("output",))
def persist_text(
    text: Annotated[str, Field(title="Text", description="The text to write, in UTF-8.")],
    filename: Annotated[OutputName, Field(title="File name", description="Name inside the results folder.")],
) -> str:
    """Write text to the results folder and return the file's path.

    When it is mapped over groups, each group's name becomes a part of its file's name.
    """
    path = current().output_path(filename)
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise TaskError(
            f"cannot write {path}: {error.strerror or error}", code="FL734", parameter="filename"
        ) from error
    return str(path)
