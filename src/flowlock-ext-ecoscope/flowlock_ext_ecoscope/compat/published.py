"""Tasks of ecoscope-workflows-core (2024) whose names flowlock-core has for tasks with other arguments.

They are not registered: a package that stands for ecoscope-workflows-core registers them, so that a published
spec, which requires that package, gets these, and another spec those of flowlock-core.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from flowlock_core.results import Chart, Dashboard
from flowlock_core.task import task
from flowlock_core.tasks import groupby, io, results
from flowlock_core.types import DataFrame, GroupKey, TimeRange
from flowlock_ext_ecoscope.compat.groups import Groupers

Page: TypeAlias = Annotated[str, Field(title="Title", description="The heading of the page.", min_length=1)]


@task
def split_groups(
    df: Annotated[DataFrame, Field(title="Table", description="The table to split.")], groupers: Groupers
) -> list[tuple[GroupKey, DataFrame]]:
    """Split a table into groups, one for each combination of values of the columns."""
    return groupby.split_groups(df, groupers)


@task
def persist_text(
    text: Annotated[Chart | str, Field(title="Text", description="A chart, or a text to write.")],
    root_path: Annotated[
        str, Field(title="Root path", description="This has no effect: files go to the results of the run.")
    ],
    filename: Annotated[
        str | None, Field(title="File name", description="By default, made of a digest of the text.")
    ] = None,
) -> Any:
    """Write a text to the results folder and return the file's path; a chart goes to its card as it is."""
    del root_path
    if isinstance(text, Chart):
        return text
    name = filename or f"{hashlib.sha256(text.encode()).hexdigest()[:7]}.html"
    return io.persist_text(text, name)


@task
def gather_dashboard(
    title: Page,
    description: Annotated[str, Field(title="Description", description="Shown under the heading.")],
    widgets: Annotated[
        Sequence[results.Widgets], Field(title="Widgets", description="The cards in their order.")
    ],
    groupers: Annotated[
        Groupers | None,
        Field(title="Groupers", description="The page has a selector for each column anyway."),
    ] = None,
    time_range: Annotated[
        TimeRange | None, Field(title="Time range", description="This has no effect.")
    ] = None,
) -> Dashboard:
    """Gather widgets on a page, with a selector for each grouping column."""
    del groupers, time_range
    return results.gather_dashboard(title, widgets, description)
