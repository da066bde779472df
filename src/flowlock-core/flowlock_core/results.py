"""What a workflow gives: widgets and dashboards as data, any result as JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any, ClassVar, TypeAlias, assert_never

from flowlock_core.errors import TaskError, WorkflowError
from flowlock_core.tables import Cell
from flowlock_core.tables.json_rows import plain_value, rows_of
from flowlock_core.types import GroupKey, Wired

Json: TypeAlias = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartRuntime(Wired):
    """The JavaScript library that draws a kind of chart; a page holds it once, however many charts it has.

    `load` returns the library's source; runtimes whose `library` has the same name share it. `draw` is the
    source of a JavaScript function of an element, the chart's figure and a theme ({ink, muted, line, surface,
    palette, series: {name: colour}, dark}); it is called again when the theme or the element's width changes.
    `traces` are the types of traces that the library draws, None for those of any figure. `image` is the
    source of a function of an element and a theme that returns a promise of the drawn chart as SVG; without
    it, the chart cannot be downloaded.
    """

    name: str
    load: Callable[[], str]
    draw: str
    library: str = ""
    traces: frozenset[str] | None = None
    image: str = ""

    @property
    def shared(self) -> str:
        """The name of the library, which is the runtime's unless it has one."""
        return self.library or self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart(Wired):
    """A figure as JSON, what draws it, and a sentence for those who cannot see it.

    `series` are the names of its colours; a page gives one name the same colour in all of its charts.
    """

    figure: Mapping[str, Json]
    runtime: ChartRuntime
    description: str
    phrase: ClassVar[str] = "a chart"
    series: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a figure that the page cannot draw, with a TaskError: in a browser it would stay empty."""
        drawn = self.runtime.traces
        if drawn is None:
            return
        for trace in self.figure["data"]:
            kind = trace.get("type", "scatter")
            if kind not in drawn:
                raise TaskError(
                    f"a dashboard cannot draw a trace of the type `{kind}`",
                    hint=f"the types are {', '.join(sorted(drawn))}; "
                    "for another, give the chart a ChartRuntime that loads the whole of plotly.js",
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class TableView(Wired):
    """The rows of a table to show; `total` counts those that are not shown too."""

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    decimals: int = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class SingleValue(Wired):
    """One number or word, with a unit."""

    value: Cell
    unit: str = ""
    decimals: int = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class TextView(Wired):
    """Paragraphs of plain text, separated by empty lines."""

    text: str


Content: TypeAlias = Chart | TableView | SingleValue | TextView


class Width(Enum):
    """How much of a dashboard's width a widget takes on a wide screen."""

    QUARTER = "quarter"
    THIRD = "third"
    HALF = "half"
    FULL = "full"


@dataclass(frozen=True, kw_only=True, slots=True)
class Widget(Wired):
    """One card of a dashboard."""

    phrase: ClassVar[str] = "a card"
    title: str
    content: Content
    width: Width
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class View(Wired):
    """A widget's content for one group; the empty key stands for all rows."""

    key: GroupKey
    content: Content


@dataclass(frozen=True, kw_only=True, slots=True)
class Position(Wired):
    """Where a card stands on a wide screen, in columns and rows of a grid, from 0."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Card(Wired):
    """A place in a dashboard: one view, or one per group.

    `number` is the position of its widget among those that the dashboard was given, from 0; the cards of a
    list of widgets after its first have none.
    """

    title: str
    width: Width
    views: tuple[View, ...]
    description: str = ""
    number: int | None = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Dashboard(Wired):
    """Cards under a title; columns that cards are grouped by become selectors.

    `layout` has the position of cards by their number; without one their widths decide.
    """

    phrase: ClassVar[str] = "a dashboard"

    title: str
    cards: tuple[Card, ...]
    description: str = ""
    layout: Mapping[int, Position] = field(default_factory=dict)

    def position_of(self, card: Card) -> Position | None:
        """Return where the layout puts a card, if it does."""
        return None if card.number is None else self.layout.get(card.number)

    def filters(self) -> dict[str, list[Any]]:
        """Return the columns that cards are grouped by and the values of each, in order of appearance."""
        by_column: dict[str, dict[Any, None]] = {}
        for card in self.cards:
            for view in card.views:
                for column, _, value in view.key:
                    by_column.setdefault(column, {})[value] = None
        return {column: list(values) for column, values in by_column.items()}


def kind_of(content: Content) -> str:
    """Return the name of a content's kind, as JSON and pages use it."""
    match content:
        case Chart():
            return "plot"
        case TableView():
            return "table"
        case SingleValue():
            return "single_value"
        case TextView():
            return "text"
        case _:
            assert_never(content)


def content_json(content: Content) -> dict[str, Json]:
    """Return a widget's content as JSON, its numbers unrounded."""
    match content:
        case Chart():
            return {
                "library": content.runtime.name,
                "figure": content.figure,
                "description": content.description,
            }
        case TableView():
            rows = [list(row) for row in content.rows]
            return {"columns": list(content.columns), "rows": rows, "total": content.total}
        case SingleValue():
            return {"value": content.value, "unit": content.unit}
        case TextView():
            return {"text": content.text}
        case _:
            assert_never(content)


def dashboard_json(dashboard: Dashboard) -> dict[str, Json]:
    """Return a dashboard as JSON."""
    return {
        "type": "dashboard",
        "title": dashboard.title,
        "description": dashboard.description,
        "filters": [{"column": column, "values": values} for column, values in dashboard.filters().items()],
        "widgets": [_card_json(card, dashboard.position_of(card)) for card in dashboard.cards],
    }


def _card_json(card: Card, position: Position | None) -> dict[str, Json]:
    document: dict[str, Json] = {
        "title": card.title,
        "type": kind_of(card.views[0].content),
        "description": card.description,
        "width": card.width.value,
    }
    if position:
        document["position"] = asdict(position)
    views = card.views
    document["views"] = [{"key": list(map(list, view.key)), **content_json(view.content)} for view in views]
    return document


def to_json(value: Any) -> Json:
    """Return any result as JSON, each digit kept: a table is a list of rows, what JSON lacks is text."""
    if isinstance(value, Dashboard | Widget | Chart | TableView | SingleValue | TextView):
        return to_json(_own_json(value))
    if value is None or isinstance(value, str | int | float):
        return plain_value(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    return _foreign_json(value)


def _own_json(value: Dashboard | Widget | Content) -> dict[str, Json]:
    if isinstance(value, Dashboard):
        return dashboard_json(value)
    if isinstance(value, Widget):
        return {"type": kind_of(value.content), "title": value.title, **content_json(value.content)}
    return {"type": kind_of(value), **content_json(value)}


def _foreign_json(value: Any) -> Json:
    if isinstance(value, Enum):
        return to_json(value.value)
    if hasattr(value, "model_dump"):
        return to_json(value.model_dump(mode="python"))
    if hasattr(value, "columns") and hasattr(value, "iloc"):
        return _table_json(value)
    return plain_value(value)


def _table_json(df: Any) -> list[dict[str, Json]]:
    names = [str(name) for name in df.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise WorkflowError(
            f"the result has two columns named `{repeated[0]}`",
            hint="rename one of them in the step that creates the table",
        )
    return rows_of(df, names)


def merged_cards(
    widgets: Sequence[Widget | Sequence[tuple[GroupKey, Widget]] | Sequence[Widget] | None],
) -> tuple[Card, ...]:
    """Make cards of widgets; the widgets of a list of (key, widget) pairs become the views of one card.

    Each widget of a list without keys, as a mapped step gives them, is a separate card. None stands for a
    widget that was skipped: there is no card, and the others keep their numbers.
    """
    cards: list[Card] = []
    for number, item in enumerate(widgets):
        cards += _cards_of(item, number)
    return tuple(cards)


def _cards_of(
    item: Widget | Sequence[tuple[GroupKey, Widget]] | Sequence[Widget] | None, number: int
) -> Iterator[Card]:
    if isinstance(item, Widget):
        yield _card([((), item)], number)
        return
    parts = item or ()
    mapped = [widget for widget in parts if isinstance(widget, Widget)]
    pairs = [pair for pair in parts if isinstance(pair, tuple)]
    for position, widget in enumerate(mapped):
        # A layout has one position for the step: the first card of a list has it.
        yield _card([((), widget)], None if position else number)
    if pairs:
        yield _card(pairs, number)


def _card(pairs: Sequence[tuple[GroupKey, Widget]], number: int | None) -> Card:
    first = pairs[0][1]
    return Card(
        title=first.title,
        width=first.width,
        views=tuple(View(key=key, content=widget.content) for key, widget in pairs),
        description=first.description,
        number=number,
    )
