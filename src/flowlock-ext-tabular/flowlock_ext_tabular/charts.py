"""Tasks that draw charts of tables with plotly."""

import json
from typing import Annotated, Any, Literal, TypeAlias

from flowlock_core.errors import TaskError
from flowlock_core.results import Chart
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import DataFrame
from pydantic import Field

from flowlock_ext_tabular.runtime import PLOTLY

Table: TypeAlias = Annotated[DataFrame, Field(title="Table", description="The table to draw.")]
X: TypeAlias = Annotated[str, Field(title="X", description="The column along the horizontal axis.")]
Y: TypeAlias = Annotated[str, Field(title="Y", description="The column of numbers along the vertical axis.")]
Colour: TypeAlias = Annotated[
    str | None,
    Field(title="Colour", description="A column that splits the chart in series, one colour each."),
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
    color: Colour = None,
    mode: Annotated[
        Literal["group", "stack"],
        Field(title="Mode", description="Bars of several series stand beside or upon each other."),
    ] = "group",
    x_title: XTitle = None,
    y_title: YTitle = None,
) -> Chart:
    """Draw a bar for each row of a table."""
    traces = [
        {"type": "bar", "name": name, "x": _values(part, x), "y": _numbers(part, y, "y")}
        for name, part in _series(df, [x, y], color)
    ]
    layout = _layout(x_title or x, y_title or y) | {"barmode": mode, "bargap": 0.3}
    layout["xaxis"]["type"] = "category"
    return _chart(traces, layout, f"Bar chart of {y} by {x}")


def _series(df: DataFrame, columns: list[str], color: str | None) -> list[tuple[str, DataFrame]]:
    for name, column in zip(("x", "y"), columns, strict=False):
        require_columns(df, [column], name)
    if color is None:
        return [(columns[-1], df)]
    require_columns(df, [color], "color")
    return [(str(value), part) for value, part in df.groupby(color, sort=True, dropna=False, observed=True)]


def _values(df: DataFrame, column: str) -> list[Any]:
    from flowlock_core.tables import cells_of

    return [row[0] for row in cells_of(df[[column]])]


def _numbers(df: DataFrame, column: str, parameter: str) -> list[Any]:
    from pandas.api.types import is_numeric_dtype

    if not is_numeric_dtype(df[column].dtype):
        raise TaskError(f"the column `{column}` holds no numbers", parameter=parameter)
    return _values(df, column)


def _layout(x_title: str, y_title: str) -> dict[str, Any]:
    return {
        "xaxis": {"title": {"text": x_title}},
        "yaxis": {"title": {"text": y_title}},
        "margin": {"l": 56, "r": 16, "t": 12, "b": 48},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }


def _chart(traces: list[dict[str, Any]], layout: dict[str, Any], description: str) -> Chart:
    import plotly.graph_objects as go

    # plotly checks the figure here, so that a wrong one fails at its step and not in a reader's browser.
    figure: go.Figure = go.Figure({"data": traces, "layout": {**layout, "showlegend": len(traces) > 1}})
    document = json.loads(figure.to_json())
    document["layout"].pop("template", None)
    return Chart(figure=document, runtime=PLOTLY, description=description)
