"""Tasks that draw charts of events and tracks: bars over time, pies, lines."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.plotly import checked_figure
from flowlock_core.results import Chart
from flowlock_core.tables import cells_of, require_columns, require_times
from flowlock_core.task import humanised, task
from flowlock_core.types import DataFrame
from flowlock_ext_ecoscope.maps.figure import css_color
from flowlock_ext_ecoscope.plots.styles import BarLayoutStyle, GroupedPlotStyle, LayoutStyle, PlotStyle
from flowlock_ext_ecoscope.runtime import PLOT

if TYPE_CHECKING:
    import pandas as pd

MISSING = "missing"
SERIES_AT_MOST = 40
PERIODS = {"year": "Y", "month": "M", "week": "W", "day": "D", "hour": "h"}
NO_STYLES: list[GroupedPlotStyle] = []
Rows: TypeAlias = Annotated[DataFrame, Field(title="Table", description="The rows to draw.")]
ColorColumn: TypeAlias = Annotated[
    str | None, Field(title="Colour column", description="The column of colours; the page's if empty.")
]
Interval: TypeAlias = Annotated[
    Literal["year", "month", "week", "day", "hour"],
    Field(title="Interval", description="The time that a bar stands for, in the zone of the times."),
]
WidgetId: TypeAlias = Annotated[
    str | None, Field(title="Widget", description="The name of the card; this has no effect.")
]
Style: TypeAlias = Annotated[PlotStyle | None, Field(title="Style", description="How the values are drawn.")]


@task
def draw_time_series_bar_chart(
    dataframe: Rows,
    x_axis: Annotated[str, Field(title="X", description="The column of times.")],
    y_axis: Annotated[str, Field(title="Y", description="The column to aggregate.")],
    category: Annotated[str, Field(title="Category", description="The column that splits the bars.")],
    agg_function: Annotated[
        Literal["count", "mean", "sum", "min", "max"],
        Field(title="Function", description="The function that combines the values of a bar."),
    ],
    *,
    time_interval: Interval,
    color_column: ColorColumn = None,
    grouped_styles: Annotated[
        list[GroupedPlotStyle], Field(title="Styles", description="Colours of categories.")
    ] = NO_STYLES,
    plot_style: Style = None,
    layout_style: Annotated[
        BarLayoutStyle | None, Field(title="Layout", description="What is around the bars.")
    ] = None,
    widget_id: WidgetId = None,
) -> Chart:
    """Draw stacked bars over time, one for each interval and category; an interval without rows has none."""
    del plot_style, widget_id
    require_times(dataframe, x_axis, "x_axis")
    require_columns(dataframe, [y_axis], "y_axis")
    colors = _colors_of(dataframe, category, color_column)
    colors |= {
        style.category: style.plot_style.marker_color
        for style in grouped_styles
        if style.plot_style.marker_color
    }
    starts = _starts(dataframe[x_axis], time_interval)
    traces = []
    for name, rows in _by_value(dataframe, category, "category"):
        values = _aggregated(rows, starts.loc[rows.index], y_axis, agg_function)
        trace = {"type": "bar", "name": name, "x": list(values.index), "y": values.tolist()}
        traces.append(trace | _marker(colors.get(name)))
    layout: dict[str, Any] = {"barmode": "stack", "xaxis": {"type": "date"}, "yaxis": {}}
    style = layout_style or BarLayoutStyle()
    layout |= {
        name: value for name in ("bargap", "bargroupgap") if (value := getattr(style, name)) is not None
    }
    titles = (f"{humanised(time_interval)}", f"{humanised(agg_function)} of {y_axis}")
    return _chart(traces, layout, titles, style, "bars over time")


def _aggregated(rows: DataFrame, starts: "pd.Series[Any]", column: str, function: str) -> "pd.Series[Any]":
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    dtype = rows[column].dtype
    if function in {"mean", "sum"} and (not is_numeric_dtype(dtype) or is_bool_dtype(dtype)):
        raise TaskError(f"the column `{column}` contains no numbers", parameter="y_axis", hint="use count")
    values: pd.Series[Any] = rows[column].groupby(starts, sort=True).agg(function)
    return values


def _starts(times: "pd.Series[Any]", interval: str) -> "pd.Series[Any]":
    """Return the beginning of each time's interval as text, in the zone of the times."""
    # An interval is one of the calendar, so the zone is no longer needed.
    local = times.dt.tz_localize(None)
    beginnings = local.dt.to_period(PERIODS[interval]).dt.start_time
    starts: pd.Series[Any] = beginnings.dt.strftime("%Y-%m-%d %H:%M" if interval == "hour" else "%Y-%m-%d")
    return starts


@task
def draw_pie_chart(
    dataframe: Rows,
    value_column: Annotated[
        str,
        Field(
            title="Value column",
            description="The column of numbers to add up; without a label column, the values to count.",
        ),
    ],
    label_column: Annotated[
        str | None, Field(title="Label column", description="The column of the parts' names.")
    ] = None,
    *,
    color_column: ColorColumn = None,
    plot_style: Style = None,
    layout_style: Annotated[
        LayoutStyle | None, Field(title="Layout", description="What is around the pie.")
    ] = None,
    widget_id: WidgetId = None,
) -> Chart:
    """Draw a pie: sums of numbers by label, or how often each value occurs."""
    from pandas.api.types import is_numeric_dtype

    del widget_id
    require_columns(dataframe, [value_column], "value_column")
    style = plot_style or PlotStyle()
    names = label_column or value_column
    labels, values = [], []
    for name, rows in _by_value(dataframe, names, "label_column"):
        labels.append(name)
        summed = label_column is not None and is_numeric_dtype(dataframe[value_column].dtype)
        values.append(float(rows[value_column].sum()) if summed else float(len(rows)))
    trace: dict[str, Any] = {
        "type": "pie",
        "labels": labels,
        "values": values,
        "textinfo": style.textinfo,
        "hoverinfo": "label+value+percent",
        "hole": 0.45,
        "sort": False,
    }
    colors = _colors_of(dataframe, names, color_column)
    if color_column is not None:
        trace["marker"] = {"colors": [colors.get(label) for label in labels]}
    elif style.marker_colors:
        trace["marker"] = {"colors": style.marker_colors}
    return _chart([trace], {}, ("", ""), layout_style or LayoutStyle(), "a pie", series=labels)


@task
def draw_ecoplot(
    dataframe: Rows,
    group_by: Annotated[str, Field(title="Group by", description="The column with the name of each line.")],
    x_axis: Annotated[str, Field(title="X", description="The column along the horizontal axis.")],
    y_axis: Annotated[str, Field(title="Y", description="The column of numbers.")],
    *,
    plot_style: Style = None,
    color_column: ColorColumn = None,
    widget_id: WidgetId = None,
) -> Chart:
    """Draw a line for each group, its rows sorted by the horizontal axis."""
    del plot_style, widget_id
    require_columns(dataframe, [x_axis], "x_axis")
    require_columns(dataframe, [y_axis], "y_axis")
    colors = _colors_of(dataframe, group_by, color_column)
    traces = []
    for name, rows in _by_value(dataframe, group_by, "group_by"):
        ordered = rows.sort_values(x_axis, kind="stable")
        x, y = (_values(ordered, column) for column in (x_axis, y_axis))
        trace = {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y}
        traces.append(trace | _marker(colors.get(name)))
    layout = {"xaxis": {"showgrid": False}, "yaxis": {}}
    return _chart(traces, layout, (humanised(x_axis), humanised(y_axis)), LayoutStyle(), "lines")


def _values(df: DataFrame, column: str) -> list[Any]:
    return [row[0] for row in cells_of(df[[column]])]


def _by_value(df: DataFrame, column: str, parameter: str) -> "list[tuple[str, pd.DataFrame]]":
    """Split rows by the values of a column, missing ones last; an empty table has nothing to draw."""
    require_columns(df, [column], parameter)
    if df.empty:
        raise TaskError(
            "there is nothing to draw: the table has no rows",
            parameter="dataframe",
            hint="skip the step with `any_is_empty_df`",
        )
    count = df[column].nunique(dropna=False)
    if count > SERIES_AT_MOST:
        raise TaskError(
            f"the column `{column}` has {count} values, which is too many for one chart",
            parameter=parameter,
            hint=f"choose a column with at most {SERIES_AT_MOST} values",
        )
    groups = df.groupby(column, sort=True, dropna=False, observed=True)
    return [(_name(value), rows) for value, rows in groups]


def _name(value: Any) -> str:
    import pandas as pd

    return MISSING if pd.isna(value) else str(value)


def _colors_of(df: DataFrame, column: str, color_column: str | None) -> dict[str, str | None]:
    """Return the colour of each value of a column: that of its first row."""
    if color_column is None:
        return {}
    require_columns(df, [color_column], "color_column")
    firsts = df.dropna(subset=[color_column]).drop_duplicates(column)
    return {
        str(value): css_color(color)
        for value, color in zip(firsts[column], firsts[color_column], strict=True)
    }


def _marker(color: str | None) -> dict[str, Any]:
    """Return what a trace has for its colour; None is the page's own, as without a marker."""
    return {"marker": {"color": color}}


def _chart(
    traces: Sequence[Mapping[str, Any]],
    layout: Mapping[str, Any],
    titles: tuple[str, str],
    style: LayoutStyle,
    what: str,
    *,
    series: Sequence[str] | None = None,
) -> Chart:
    names = series if series is not None else [trace["name"] for trace in traces]
    whole: dict[str, Any] = {
        "margin": {"l": 56, "r": 16, "t": 12, "b": 48},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        "showlegend": True if style.showlegend is None else style.showlegend,
        **layout,
    }
    for axis, title in zip(("xaxis", "yaxis"), titles, strict=True):
        if axis in whole:
            whole[axis] = {**whole[axis], "title": {"text": escape(title)}}
    figure = checked_figure(traces, whole)
    description = f"{style.title or humanised(what)}: {', '.join(names)}."
    return Chart(figure=figure, runtime=PLOT, description=description, series=tuple(names))
