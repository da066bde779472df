"""From a table to a plotly figure as JSON, without the library or its template in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import TaskError
from flowlock_core.plotly import checked_figure
from flowlock_core.results import Chart
from flowlock_core.tables import cells_of, require_columns
from flowlock_ext_tabular.runtime import PLOTLY

if TYPE_CHECKING:
    import pandas as pd

SERIES_AT_MOST = 40
MISSING = "missing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Rows drawn in one colour; the only series of a chart has no name. `label` is what is drawn."""

    name: str | None
    df: "pd.DataFrame"
    label: str

    def labelled(self, label: str) -> "Series":
        """Return the series with another label."""
        return replace(self, label=label)


def series_of(df: "pd.DataFrame", columns: Mapping[str, str | None]) -> list[Series]:
    """Check the columns (parameter → column), then split the rows by the one under `color`, if any."""
    for parameter, column in columns.items():
        if column is not None:
            require_columns(df, [column], parameter)
    label = str(columns.get("y") or columns["x"])
    color = columns["color"]
    if color is None:
        return [Series(name=None, df=df, label=label)]
    count = df[color].nunique(dropna=False)
    if count > SERIES_AT_MOST:
        raise TaskError(
            f"the column `{color}` has {count} values, which is too many for one chart",
            parameter="color",
            hint=f"choose a column with at most {SERIES_AT_MOST} values",
        )
    groups = list(df.groupby(color, sort=True, dropna=False, observed=True))
    if df[color].dtype != "category":
        groups = _as_people_count(groups)
    return [Series(name=_name(value), df=part, label=label) for value, part in groups]


def _as_people_count(groups: "list[tuple[Any, pd.DataFrame]]") -> "list[tuple[Any, pd.DataFrame]]":
    """Sort groups with texts as names, `Site 2` before `Site 10`; all others stay where they are."""
    from natsort import natsort_keygen

    key = natsort_keygen()
    named = [group for group in groups if isinstance(group[0], str)]
    in_order = iter(sorted(named, key=lambda group: key(group[0])))
    return [next(in_order) if isinstance(group[0], str) else group for group in groups]


def _name(value: Any) -> str:
    import pandas as pd

    return MISSING if pd.isna(value) else str(value)


def values(df: "pd.DataFrame", column: str) -> list[Any]:
    """Return a column as plain values."""
    return [row[0] for row in cells_of(df[[column]])]


def numbers(df: "pd.DataFrame", column: str, parameter: str) -> list[Any]:
    """Return a column of numbers; a TaskError if it has none."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    dtype = df[column].dtype
    if not is_numeric_dtype(dtype) or is_bool_dtype(dtype):
        raise TaskError(f"the column `{column}` contains no numbers", parameter=parameter)
    return values(df, column)


def ordered(df: "pd.DataFrame", column: str) -> "pd.DataFrame":
    """Return the rows sorted by a column, without those where it is empty."""
    return df.dropna(subset=[column]).sort_values(column, kind="stable")


def figure(
    traces: Sequence[Mapping[str, Any]],
    layout: Mapping[str, Any],
    x_title: str,
    y_title: str,
    *,
    description: str,
    parts: Sequence[Series],
) -> Chart:
    """Make a chart of traces; colours and fonts are the page's."""
    names = tuple(part.name for part in parts if part.name is not None)
    whole = {
        "margin": {"l": 56, "r": 16, "t": 12, "b": 48},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        "showlegend": bool(names),
        **layout,
        "xaxis": {"showgrid": False, **layout.get("xaxis", {}), "title": {"text": x_title}},
        "yaxis": {"title": {"text": y_title}},
    }
    return Chart(figure=checked_figure(traces, whole), runtime=PLOTLY, description=description, series=names)
