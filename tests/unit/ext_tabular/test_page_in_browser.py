"""A dashboard in a real browser: it draws, selects, and its own policy stops nothing that it needs."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from flowlock_core.command.output import write_text
from flowlock_core.page import render_page
from flowlock_core.tasks.groupby import split_groups
from flowlock_core.tasks.results import create_plot_widget, create_table_widget, gather_dashboard
from flowlock_ext_tabular.charts import draw_bar_chart, draw_histogram, draw_line_chart, draw_scatter_plot
from shared import require_part

BROWSER = shutil.which("chromium")
TABLE = pd.DataFrame({"island": ["a", "b", "b"], "x": [1, 2, 3], "y": [2.0, 1.0, 4.0]})
OPTIONS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
    --disable-background-networking --disable-component-update --enable-logging=stderr"""


def opened(page: Path, profile: Path, fragment: str = "") -> tuple[str, list[str]]:
    """Open a page; return its document after the scripts ran, and what they logged."""
    require_part(found=BROWSER is not None, part="chromium")
    done = subprocess.run(
        [
            *(BROWSER or "chromium", *OPTIONS.split(), f"--user-data-dir={profile}"),
            *("--virtual-time-budget=8000", "--window-size=1400,1200", "--dump-dom"),
            page.as_uri() + fragment,
        ],
        check=True,
        capture_output=True,
        text=True,
        env={"HOME": str(profile), "PATH": "/usr/bin:/bin"},
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    charts = [
        (key, create_plot_widget(draw_bar_chart(part, "x", "y"), title="</script>"))
        for key, part in split_groups(TABLE, ["island"])
    ]
    single = [
        create_plot_widget(draw_line_chart(TABLE, "x", ["x", "y"]), title="Lines"),
        create_plot_widget(draw_scatter_plot(TABLE, "x", "y", color="island"), title="Dots"),
        create_plot_widget(draw_histogram(TABLE, "y"), title="Bars"),
        create_table_widget(TABLE, title="Table"),
    ]
    html = render_page(gather_dashboard(title="Page", widgets=[charts, *single]))
    return write_text(tmp_path_factory.mktemp("page é") / "dashboard.html", html)


def views(document: str) -> dict[str, bool]:
    """Return whether the view of each island is hidden."""
    found = re.findall(
        r'<div class="view" data-key="{&quot;island&quot;: &quot;(\w)&quot;}"( hidden="")?', document
    )
    return {island: bool(hidden) for island, hidden in found}


def test_every_chart_in_sight_is_drawn_and_nothing_is_complained_of(page: Path, tmp_path: Path) -> None:
    document, complaints = opened(page, tmp_path)
    assert complaints == []
    assert document.count('class="main-svg"') >= 4
    assert len(re.findall(r'data-drawn="[1-9]', document)) == 4
    assert views(document) == {"a": False, "b": True}


def test_a_link_chooses_the_group(page: Path, tmp_path: Path) -> None:
    document, complaints = opened(page, tmp_path, "#island=b")
    assert complaints == []
    assert views(document) == {"a": True, "b": False}


def test_a_wrong_link_changes_nothing(page: Path, tmp_path: Path) -> None:
    document, complaints = opened(page, tmp_path, "#island=%3Cscript%3E&x")
    assert complaints == []
    assert views(document) == {"a": False, "b": True}


def test_tables_can_be_sorted_by_their_headings(page: Path, tmp_path: Path) -> None:
    document, _ = opened(page, tmp_path)
    assert document.count('aria-sort="none"') == 3
