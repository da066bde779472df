"""Tasks that create widgets for one group each and merge them, by the names of ecoscope-workflows-core."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.execute.skip import Skipped
from flowlock_core.results import Chart, Widget, Width
from flowlock_core.task import task
from flowlock_core.tasks.results import (
    create_plot_widget,
    create_single_value_widget,
    create_table_widget,
    create_text_widget,
)
from flowlock_core.types import DataFrame, GroupKey
from flowlock_ext_ecoscope.compat.values import Quantity, Unit

Title: TypeAlias = Annotated[
    str, Field(title="Title", description="The heading of the card.", min_length=1, max_length=200)
]
Drawing: TypeAlias = Annotated[Chart, Field(title="Chart", description="The chart or map to show.")]
Words: TypeAlias = Annotated[str, Field(title="Text", description="An empty line begins a new paragraph.")]
Rows: TypeAlias = Annotated[DataFrame, Field(title="Table", description="The table to show.")]
OfGroup: TypeAlias = Annotated[
    GroupKey | None,
    Field(title="Group", description="The key of the group that the widget is about; none for all rows."),
]
Widths: TypeAlias = Annotated[
    Width, Field(title="Width", description="The share of the dashboard's width on a wide screen.")
]
SingleView: TypeAlias = Widget | tuple[GroupKey, Widget]


@task
def create_map_widget_single_view(
    title: Title, data: Drawing, view: OfGroup = None, *, width: Widths = Width.FULL
) -> SingleView:
    """Put a map on a card, for all rows or for one group."""
    return _single(create_plot_widget(data, title, width=width), view)


@task
def create_plot_widget_single_view(
    title: Title, data: Drawing, view: OfGroup = None, *, width: Widths = Width.HALF
) -> SingleView:
    """Put a chart on a card, for all rows or for one group."""
    return _single(create_plot_widget(data, title, width=width), view)


@task
def create_text_widget_single_view(
    title: Title, data: Words, view: OfGroup = None, *, width: Widths = Width.FULL
) -> SingleView:
    """Put text on a card, for all rows or for one group."""
    return _single(create_text_widget(data, title, width=width), view)


@task
def create_table_widget_single_view(
    title: Title, data: Rows, view: OfGroup = None, *, width: Widths = Width.HALF
) -> SingleView:
    """Put the first rows of a table on a card, for all rows or for one group."""
    return _single(create_table_widget(data, title, width=width), view)


@task
def create_single_value_widget_single_view(
    title: Title,
    data: Annotated[
        Quantity | int | float | str | None,
        Field(title="Value", description="The number, with a unit or without, or the word to show."),
    ],
    view: OfGroup = None,
    decimal_places: Annotated[
        int, Field(title="Decimals", description="Digits after the point.", ge=0, le=10)
    ] = 1,
    *,
    unit: Annotated[
        Unit | None, Field(title="Unit", description="The unit of a number that comes without one.")
    ] = None,
    width: Widths = Width.QUARTER,
) -> SingleView:
    """Put one number or word on a card, for all rows or for one group."""
    value = data.value if isinstance(data, Quantity) else data
    own = data.unit if isinstance(data, Quantity) else None
    if own and unit and own is not unit:
        raise TaskError(
            f"the value is in {own.value}, not in {unit.value}",
            parameter="unit",
            hint="convert it with with_unit",
        )
    shown = own or unit
    widget = create_single_value_widget(
        value, title, unit=shown.value if shown else "", decimals=decimal_places, width=width
    )
    return _single(widget, view)


def _single(widget: Widget, view: GroupKey | None) -> SingleView:
    return widget if view is None else (view, widget)


@task
def merge_widget_views(
    widgets: Annotated[
        Sequence[SingleView | Skipped],
        Field(title="Widgets", description="The widgets of one card, one for each group."),
    ],
) -> list[tuple[GroupKey, Widget]]:
    """Merge the widgets of groups, which share a card; skipped ones are left out."""
    views: list[tuple[GroupKey, Widget]] = []
    for item in widgets:
        if isinstance(item, Widget):
            views.append(((), item))
        elif isinstance(item, tuple):
            views.append(item)
    return views
