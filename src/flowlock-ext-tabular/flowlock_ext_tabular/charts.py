"""Tasks that draw charts of tables with plotly."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.results import Chart
from flowlock_core.tables import require_columns
from flowlock_core.task import humanised, task
from flowlock_core.types import DataFrame
from flowlock_ext_tabular.figure import Series, figure, numbers, ordered, series_of, values

Table: TypeAlias = Annotated[DataFrame, Field(title="Table", description="The table to draw.")]
X: TypeAlias = Annotated[str, Field(title="X", description="The column along the horizontal axis.")]
Y: TypeAlias = Annotated[str, Field(title="Y", description="The column of numbers along the vertical axis.")]
Color: TypeAlias = Annotated[
    str | None,
    Field(title="Colour", description="A column that splits the chart into series, one colour for each."),
]
XTitle: TypeAlias = Annotated[
    str | None, Field(title="X title", description="The horizontal axis' title; the column's name if empty.")
]
YTitle: TypeAlias = Annotated[
    str | None, Field(title="Y title", description="The vertical axis' title; the column's name if empty.")
]


@task
def draw_bar_chart(
    df: Table,
    x: X,
    y: Y,
    *,
    color: Color = None,
    mode: Annotated[
        Literal["group", "stack"],
        Field(title="Mode", description="Bars of several series are grouped side by side or stacked."),
    ] = "group",
    x_title: XTitle = None,
    y_title: YTitle = None,
) -> Chart:
    """Draw a bar for each row of a table; the bars are in the order of the rows."""
    parts = series_of(df, {"x": x, "y": y, "color": color})
    traces = []
    for part in parts:
        _require_one_row_each(part, x)
        categories = [str(value) for value in values(part.df, x)]
        traces.append({"type": "bar", **_named(part), "x": categories, "y": numbers(part.df, y, "y")})
    layout = {
        "barmode": mode,
        "bargap": 0.3,
        "xaxis": {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": list(dict.fromkeys(map(str, values(df, x)))),
        },
    }
    description = f"Bar chart of {y} by {x}{_by(color)}"
    return figure(
        traces, layout, x_title or humanised(x), y_title or humanised(y), description=description, parts=parts
    )


@task
def draw_line_chart(
    df: Table,
    x: X,
    y: Annotated[
        list[str],
        Field(title="Y", description="The columns of numbers, one line each.", min_length=1),
    ],
    *,
    color: Color = None,
    markers: Annotated[bool, Field(title="Markers", description="Draw a dot for each row.")] = False,
    x_title: XTitle = None,
    y_title: YTitle = None,
) -> Chart:
    """Draw lines through the rows of a table, sorted by the horizontal axis.

    Either several columns, or one that `color` splits. A missing value leaves a gap.
    """
    parts = _lines(df, x, y, color)
    mode = "lines+markers" if markers else "lines"
    traces = []
    for part in parts:
        rows = ordered(part.df, x)
        style = {"mode": mode, "line": {"width": 2.5}}
        traces.append(
            {
                "type": "scatter",
                **_named(part),
                **style,
                "x": values(rows, x),
                "y": numbers(rows, part.label, "y"),
            }
        )
    title = y_title or (humanised(y[0]) if len(y) == 1 else "")
    description = f"Line chart of {', '.join(y)} over {x}{_by(color)}"
    return figure(
        traces,
        {"hovermode": "x unified"},
        x_title or humanised(x),
        title,
        description=description,
        parts=parts,
    )


def _lines(df: DataFrame, x: str, y: list[str], color: str | None) -> list[Series]:
    if color is not None and len(y) > 1:
        raise TaskError(
            f"{len(y)} columns cannot be drawn and also split by `{color}`",
            parameter="color",
            hint="name one column under `y`, or leave `color` empty",
        )
    require_columns(df, [x], "x")
    require_columns(df, y, "y")
    if color is not None:
        return [part.labelled(y[0]) for part in series_of(df, {"x": x, "color": color})]
    return [Series(name=humanised(column) if len(y) > 1 else None, df=df, label=column) for column in y]


@task
def draw_histogram(
    df: Table,
    x: Annotated[str, Field(title="X", description="The column of numbers whose values are counted.")],
    *,
    color: Color = None,
    bins: Annotated[
        int | None,
        Field(
            title="Bins",
            description="The maximum number of bars; chosen from the data if left empty.",
            ge=1,
            le=500,
        ),
    ] = None,
    x_title: XTitle = None,
    y_title: YTitle = None,
) -> Chart:
    """Draw a histogram; several series overlap."""
    parts = series_of(df, {"x": x, "color": color})
    style: dict[str, Any] = {"bingroup": 1}
    if bins:
        style["nbinsx"] = bins
    if len(parts) > 1:
        style["opacity"] = 0.7
    traces = [{"type": "histogram", **_named(part), "x": numbers(part.df, x, "x"), **style} for part in parts]
    description = f"Histogram of {x}{_by(color)}"
    layout = {"barmode": "overlay", "bargap": 0.04}
    return figure(
        traces, layout, x_title or humanised(x), y_title or "Count", description=description, parts=parts
    )


@task
def draw_scatter_plot(
    df: Table,
    x: Annotated[str, Field(title="X", description="The column of numbers along the horizontal axis.")],
    y: Y,
    *,
    color: Color = None,
    x_title: XTitle = None,
    y_title: YTitle = None,
) -> Chart:
    """Draw a dot for each row of a table."""
    parts = series_of(df, {"x": x, "y": y, "color": color})
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            **_named(part),
            "x": numbers(part.df, x, "x"),
            "y": numbers(part.df, y, "y"),
            "marker": {"size": 8, "opacity": 0.75},
        }
        for part in parts
    ]
    description = f"Scatter plot of {y} against {x}{_by(color)}"
    return figure(
        traces, {}, x_title or humanised(x), y_title or humanised(y), description=description, parts=parts
    )


def _named(part: Series) -> dict[str, Any]:
    return {"name": part.name if part.name is not None else part.label}


def _by(color: str | None) -> str:
    return f", coloured by {color}" if color else ""


def _require_one_row_each(part: Series, x: str) -> None:
    twice = part.df[x][part.df[x].duplicated()]
    if len(twice):
        series = f" of {part.name}" if part.name is not None else ""
        raise TaskError(
            f"several rows{series} have `{twice.iloc[0]}` in the column `{x}`, but each bar must be one row",
            parameter="x",
            hint="aggregate the table first, or split it with `color`",
        )
