"""Specs in the form of 2024 compile and run as they stand; this one is ours, in their form."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from flowlock_core.results import Chart, Widget
from flowlock_ext_ecoscope.compat.groups import Grouper, set_groupers, set_time_range
from flowlock_ext_ecoscope.compat.published import gather_dashboard, persist_text, split_groups
from flowlock_ext_ecoscope.compat.widgets import create_text_widget_single_view
from flowlock_ext_ecoscope.plots.charts import draw_pie_chart
from servers.parts import folder_of
from shared import ROOT

SPEC = """\
id: reports
requirements:
  - {name: ecoscope-workflows-core, version: "*", channel: file:///tmp/ecoscope-workflows/release/artifacts/}
  - {name: ecoscope-workflows-ext-ecoscope, version: "*"}
workflow:
  - {name: Groups, id: groupers, task: set_groupers}
  - {name: Time range, id: time_range, task: set_time_range}
  - title: Events
    type: task-group
    description: Events and a pie of each month.
    tasks:
      - id: found
        task: get_events
        partial: {time_range: "${{ workflow.time_range.return }}"}
      - id: indexed
        task: add_temporal_index
        partial: {df: "${{ workflow.found.return }}"}
      - id: groups
        task: split_groups
        partial: {df: "${{ workflow.indexed.return }}", groupers: "${{ workflow.groupers.return }}"}
      - id: pies
        task: draw_pie_chart
        mapvalues: {argnames: dataframe, argvalues: "${{ workflow.groups.return }}"}
      - id: persisted
        task: persist_text
        partial: {root_path: "${{ env.ECOSCOPE_WORKFLOWS_RESULTS }}"}
        mapvalues: {argnames: text, argvalues: "${{ workflow.pies.return }}"}
      - id: widgets
        task: create_plot_widget_single_view
        map: {argnames: [view, data], argvalues: "${{ workflow.persisted.return }}"}
      - id: card
        task: merge_widget_views
        partial: {widgets: "${{ workflow.widgets.return }}"}
  - id: page
    task: gather_dashboard
    partial:
      widgets: ["${{ workflow.card.return }}"]
      groupers: ${{ workflow.groupers.return }}
      time_range: ${{ workflow.time_range.return}}
"""
CASES = """\
test1:
  name: Test 1
  description: In their form.
  params:
    groupers: {groupers: [{index_name: month, display_name: Month}]}
    time_range: {since: "2024-01-01T00:00:00Z", until: "2024-03-31T23:59:59Z", time_format: "%d %b %Y"}
    found: {client: somewhere, event_types: [], event_columns: [id, time, event_type, geometry]}
    indexed: {index_name: month, time_col: time, directive: "%B"}
    groups: {}
    pies: {value_column: event_type, plot_style: {textinfo: value}}
    persisted: {}
    widgets: {title: Events}
    page: {title: Reports, description: Made ones.}
  assertions:
    result_stdout_contains: ["widget_type='graph', title='Events'"]
"""


@pytest.mark.parametrize(("title", "code"), [("Reports", 0), ("Others", 1)])
def test_a_spec_in_the_form_of_2024_compiles_and_runs_as_it_stands(
    title: str, code: int, tmp_path: Path
) -> None:
    example = tmp_path / "examples/reports"
    example.mkdir(parents=True)
    (example / "spec.yaml").write_text(SPEC if code == 0 else SPEC.replace("groupers: $", "grouper: $"))
    (example / "test-cases.yaml").write_text(CASES.replace("Reports", title))
    python = folder_of("ecoscope") / "bin" / Path(sys.executable).name
    command: list[str | Path] = [sys.executable, "-m", "tools.published_specs", tmp_path, "--python", python]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    if code == 0:
        assert "compiled: reports" in done.stdout
        assert "passed  published" in done.stdout
    else:
        assert "FL140 the task `gather_dashboard` has no argument `grouper`" in done.stderr


def test_groups_are_those_of_the_groupers() -> None:
    table = pd.DataFrame({"kind": ["a", "b", "a"], "n": [1, 2, 3]})
    groups = split_groups(table, set_groupers([Grouper(index_name="kind")]))
    assert [key for key, _ in groups] == [(("kind", "=", "a"),), (("kind", "=", "b"),)]


def test_a_chart_is_kept_for_its_card_and_a_text_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chart = draw_pie_chart(pd.DataFrame({"kind": ["a", "b", "a"]}), "kind")
    assert isinstance(persist_text(chart, "gs://elsewhere"), Chart)
    monkeypatch.chdir(tmp_path)
    path = Path(persist_text("<p>text</p>", "gs://elsewhere"))
    assert path.parent.resolve() == tmp_path / "results"
    assert (path.suffix, path.read_text()) == (".html", "<p>text</p>")


def test_a_dashboard_takes_the_groupers_and_the_time_range_of_the_page() -> None:
    card = create_text_widget_single_view("Note", "words")
    assert isinstance(card, Widget)
    page = gather_dashboard("Page", "About it.", [card], ["kind"], set_time_range("2024-01-01", "2024-02-01"))
    assert (page.title, page.description, len(page.cards)) == ("Page", "About it.", 1)
