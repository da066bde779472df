"""Tasks that remove what values say, wholly or in part, without a key."""

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import DataFrame
from flowlock_ext_privacy.parameters import Columns, Table

if TYPE_CHECKING:
    import pandas as pd

REDACTED = "[redacted]"
MASK_LENGTH = 5


@task
def redact(
    df: Table,
    columns: Columns,
    *,
    replacement: Annotated[
        str, Field(title="Replacement", description="The text that replaces what is removed.")
    ] = REDACTED,
    pattern: Annotated[
        str | None,
        Field(
            title="Pattern",
            description="A regular expression: only the parts of texts that match it are removed.",
            min_length=1,
        ),
    ] = None,
) -> DataFrame:
    """Replace all values of columns by the same text, also missing ones, or only the parts that match.

    With a pattern, whatever it does not match stays, and missing values stay missing.
    """
    require_columns(df, columns, "columns")
    if pattern is None:
        return df.assign(**dict.fromkeys(columns, replacement))
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise TaskError(f"the pattern is not a regular expression: {error}", parameter="pattern") from error
    return df.assign(**{name: _without(df[name], expression, replacement) for name in columns})


def _without(column: "pd.Series[Any]", expression: re.Pattern[str], replacement: str) -> "pd.Series[Any]":
    _require_texts(column)
    # The replacement is a text: `\\1` in it means nothing.
    return column.map(lambda text: expression.sub(lambda _: replacement, text), na_action="ignore")


def _require_texts(column: "pd.Series[Any]") -> None:
    if not column.dropna().map(lambda value: isinstance(value, str)).all():
        raise TaskError(
            f"the column `{column.name}` contains values that are not texts",
            parameter="columns",
            hint="list it under `text_columns` of the step that loads the table",
        )


@task
def mask(
    df: Table,
    columns: Columns,
    *,
    keep_first: Annotated[
        int, Field(title="Keep first", description="The number of leading characters that stay.", ge=0)
    ] = 0,
    keep_last: Annotated[
        int, Field(title="Keep last", description="The number of trailing characters that stay.", ge=0)
    ] = 0,
    character: Annotated[
        str,
        Field(
            title="Character", description="What replaces the other characters.", min_length=1, max_length=1
        ),
    ] = "*",
    keep_length: Annotated[
        bool,
        Field(
            title="Keep length",
            description="Replace each character by one; otherwise all by five, so that lengths are not "
            "shown.",
        ),
    ] = False,
) -> DataFrame:
    """Replace the characters of texts except some at the ends; a text without others is replaced wholly."""
    require_columns(df, columns, "columns")

    def masked(text: str) -> str:
        hidden = len(text) - keep_first - keep_last
        if hidden <= 0:
            return character * (len(text) if keep_length else MASK_LENGTH)
        stars = character * (hidden if keep_length else MASK_LENGTH)
        return f"{text[:keep_first]}{stars}{text[len(text) - keep_last :]}"

    for name in columns:
        _require_texts(df[name])
    return df.assign(**{name: df[name].map(masked, na_action="ignore") for name in columns})
