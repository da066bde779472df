"""Tasks that create widgets and gather them in a dashboard."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.execute.skip import Skipped
from flowlock_core.results import (
    Chart,
    Dashboard,
    SingleValue,
    TableView,
    TextView,
    Widget,
    Width,
    merged_cards,
)
from flowlock_core.tables import Cell, cells_of, require_columns
from flowlock_core.task import task
from flowlock_core.types import DataFrame, GroupKey

Title: TypeAlias = Annotated[
    str, Field(title="Title", description="The heading of the card.", min_length=1, max_length=200)
]
Description: TypeAlias = Annotated[
    str, Field(title="Description", description="A sentence under the heading; may be empty.")
]
Widths: TypeAlias = Annotated[
    Width, Field(title="Width", description="The share of the dashboard's width on a wide screen.")
]
Decimals: TypeAlias = Annotated[
    int, Field(title="Decimals", description="The number of digits after the decimal point.", ge=0, le=10)
]

Widgets: TypeAlias = (
    Widget | Skipped | Sequence[Widget | Skipped] | Sequence[tuple[GroupKey, Widget | Skipped]]
)


@task
def create_plot_widget(
    chart: Annotated[Chart, Field(title="Chart", description="The chart to show.")],
    title: Title,
    *,
    description: Description = "",
    width: Widths = Width.HALF,
) -> Widget:
    """Put a chart on a card."""
    return Widget(title=title, content=chart, width=width, description=description)


@task
def create_table_widget(
    df: Annotated[DataFrame, Field(title="Table", description="The table to show.")],
    title: Title,
    *,
    description: Description = "",
    columns: Annotated[
        list[str], Field(title="Columns", description="The columns to show, in this order; empty for all.")
    ] = [],  # noqa: B006 - never changed
    max_rows: Annotated[
        int,
        Field(
            title="Rows", description="The maximum number of rows to show; the card states the total.", ge=1
        ),
    ] = 100,
    decimals: Decimals = 2,
    width: Widths = Width.HALF,
) -> Widget:
    """Put the first rows of a table on a card."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    require_columns(df, columns, "columns")
    shown = df[columns] if columns else df
    numeric = [is_numeric_dtype(dtype) and not is_bool_dtype(dtype) for dtype in shown.dtypes]
    content = TableView(
        columns=tuple(str(column) for column in shown.columns),
        numeric=tuple(numeric),
        rows=cells_of(shown.head(max_rows)),
        total=len(shown),
        decimals=decimals,
    )
    return Widget(title=title, content=content, width=width, description=description)


@task
def create_single_value_widget(
    value: Annotated[
        int | float | str | None,
        Field(title="Value", description="The number or word to show; an empty value is shown as a dash."),
    ],
    title: Title,
    *,
    unit: Annotated[str, Field(title="Unit", description="Shown after the value, for example mm.")] = "",
    decimals: Decimals = 0,
    description: Description = "",
    width: Widths = Width.QUARTER,
) -> Widget:
    """Put one number or word on a card."""
    shown: Cell = value
    content = SingleValue(value=shown, unit=unit, decimals=decimals)
    return Widget(title=title, content=content, width=width, description=description)


@task
def create_text_widget(
    text: Annotated[
        str, Field(title="Text", description="Plain text; an empty line begins a new paragraph.")
    ],
    title: Title,
    *,
    width: Widths = Width.FULL,
) -> Widget:
    """Put paragraphs of text on a card."""
    return Widget(title=title, content=TextView(text=text), width=width)


@task
def gather_dashboard(
    title: Annotated[
        str, Field(title="Title", description="The heading of the page.", min_length=1, max_length=200)
    ],
    widgets: Annotated[
        Sequence[Widgets],
        Field(
            title="Widgets",
            description="The cards in their order: widgets, lists of widgets (of a mapped step), and lists "
            "of widgets by group, which share a card. Skipped cards are left out.",
        ),
    ],
    description: Annotated[
        str, Field(title="Description", description="Shown under the heading; may be empty.")
    ] = "",
) -> Dashboard:
    """Gather widgets on a page, with a selector for each grouping column."""
    cards = merged_cards([_kept(item) for item in widgets])
    if not cards:
        raise _nothing_left(widgets)
    return Dashboard(title=title, description=description, cards=cards)


def _nothing_left(widgets: Sequence[Widgets]) -> TaskError:
    if any(isinstance(item, Sequence) and not item for item in widgets):
        return TaskError(
            "there is no card to show, because the source table is empty",
            parameter="widgets",
            hint="check the data and the filters before this step",
        )
    return TaskError("there is no card to show, because all cards were skipped", parameter="widgets")


def _kept(item: Widgets) -> Widget | list[tuple[GroupKey, Widget]] | list[Widget] | None:
    """Return what was not skipped of an item: a widget, widgets by group, or the widgets of a mapped step."""
    if isinstance(item, Skipped):
        return None
    if isinstance(item, Widget):
        return item
    mapped = [widget for widget in item if isinstance(widget, Widget)]
    if mapped:
        return mapped
    pairs = [pair for pair in item if isinstance(pair, tuple)]
    return [(key, widget) for key, widget in pairs if isinstance(widget, Widget)]
