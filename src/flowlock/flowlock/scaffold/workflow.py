"""A first workflow over a table: its columns, a chart that fits them, and a dashboard."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowlock.documents.yaml import text_of
from flowlock.scaffold.table import Column, ColumnKind, TableShape

CHARTS = "flowlock-ext-tabular"
TABLE = "table"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chart:
    """The task that draws a chart, its arguments, its title, and a step that it needs before it."""

    task: str
    arguments: Mapping[str, Any]
    title: str
    before: Mapping[str, Any] | None = None


def workflow_files(id_: str, title: str, file: str, shape: TableShape, charts: str | None) -> dict[str, str]:
    """Return the spec, the parameters and the test cases of a workflow over a table in a file beside them.

    `charts` is the version of flowlock-ext-tabular whose charts it may use; None if there is none.
    """
    chart = _chart(shape) if charts else None
    steps = list(_steps(title, shape, chart))
    head: dict[str, Any] = {"id": id_, "metadata": {"title": title, "description": f"A look at {file}."}}
    if chart is not None:
        head["requirements"] = [{"name": CHARTS, "version": f">={charts}"}]
    kinds = "".join(f"#   {column.name}: {column.kind}\n" for column in shape.columns)
    listed = "\n".join(_indented(text_of([step])) for step in steps)
    loading: dict[str, Any] = {"path": file}
    if shape.null_word:
        loading["null_words"] = [shape.null_word]
    cases = text_of(_test_cases(title, loading, shape, chart))
    return {
        "spec.yaml": f"# The columns of {file}:\n{kinds}{text_of(head)}\nworkflow:\n{listed}",
        "params.yaml": f"# Paths are relative to this file.\n{text_of({TABLE: loading})}",
        "test-cases.yaml": f"# Files are relative to this one.\n{cases}",
    }


def _indented(text: str) -> str:
    return "".join(f"  {line}" for line in text.splitlines(keepends=True))


def _steps(title: str, shape: TableShape, chart: _Chart | None) -> Iterator[dict[str, Any]]:
    loading: dict[str, Any] = {"columns": [column.name for column in shape.columns]}
    if times := shape.of_kind(ColumnKind.TIME):
        loading["time_columns"] = [column.name for column in times]
    yield _step("Load the table", TABLE, "load_table", **loading)
    yield _step("Count the rows", "row_count", "count_rows", df=_result(TABLE))
    yield _step(
        "Show the count", "rows_card", "create_single_value_widget", value=_result("row_count"), title="Rows"
    )
    cards = ["rows_card"]
    if chart is not None:
        if chart.before is not None:
            yield dict(chart.before)
        yield _step("Draw the chart", "chart", chart.task, **chart.arguments)
        yield _step(
            "Show the chart", "chart_card", "create_plot_widget", chart=_result("chart"), title=chart.title
        )
        cards.append("chart_card")
    yield _step("Show the rows", "table_card", "create_table_widget", df=_result(TABLE), title="Table")
    widgets = [_result(card) for card in (*cards, "table_card")]
    yield _step("Gather the dashboard", "dashboard", "gather_dashboard", title=title, widgets=widgets)


def _step(name: str, id_: str, task: str, **partial: Any) -> dict[str, Any]:
    return {"name": name, "id": id_, "task": task, "partial": partial}


def _result(step: str) -> str:
    return f"${{{{ workflow.{step}.return }}}}"


def _chart(shape: TableShape) -> _Chart | None:
    """Return the chart that the kinds of the columns suggest; None without a number."""
    numbers = [column for column in shape.of_kind(ColumnKind.NUMBER) if not _is_key(column)]
    if not numbers or not shape.rows:
        return None
    times, categories = shape.of_kind(ColumnKind.TIME), shape.of_kind(ColumnKind.CATEGORY)
    drawn = {"df": _result(TABLE)}
    if categories:
        drawn["color"] = categories[0].name
    number = numbers[0].name
    if times:
        time = times[0].name
        arguments = {**drawn, "x": time, "y": [number]}
        return _Chart(task="draw_line_chart", arguments=arguments, title=f"{number} over {time}")
    if len(numbers) > 1:
        other = numbers[1].name
        arguments = {**drawn, "x": number, "y": other}
        return _Chart(task="draw_scatter_plot", arguments=arguments, title=f"{other} by {number}")
    if categories:
        return _means(number, categories[0].name)
    arguments = {**drawn, "x": number}
    return _Chart(task="draw_histogram", arguments=arguments, title=f"Distribution of {number}")


def _is_key(column: Column) -> bool:
    name = column.name.lower()
    return name == "id" or name.endswith(("_id", " id"))


def _means(number: str, category: str) -> _Chart:
    mean = f"mean {number}"
    return _Chart(
        task="draw_bar_chart",
        arguments={"df": _result("means"), "x": category, "y": mean},
        title=f"Mean {number} by {category}",
        before=_step(
            f"Average {number} by {category}",
            "means",
            "aggregate",
            df=_result(TABLE),
            by=[category],
            aggregations=[{"column": number, "function": "mean", "name": mean}],
        ),
    )


def _test_cases(
    title: str, loading: Mapping[str, Any], shape: TableShape, chart: _Chart | None
) -> dict[str, Any]:
    titles = ["Table"] if chart is None else [chart.title, "Table"]
    rows = {"title": "Rows", "views": [{"value": shape.rows}]}
    return {
        "whole-table": {
            "name": "The whole table",
            "description": f"Reads {loading['path']} as a user would.",
            "mock-io": False,
            "params": {TABLE: loading},
            "expect": {
                "type": "dashboard",
                "title": title,
                "widgets": [rows, *({"title": each} for each in titles)],
            },
        }
    }
