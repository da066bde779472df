"""What people do with a dashboard: download its tables and charts, choose groups, scroll, print."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from defusedxml.ElementTree import fromstring

from flowlock_core.page import render_page
from flowlock_core.plotly import TRACES, checked_figure, plotly_runtime
from flowlock_core.results import Chart
from flowlock_core.tasks.groupby import split_groups
from flowlock_core.tasks.results import create_plot_widget, create_table_widget, gather_dashboard
from flowlock_ext_tabular.charts import draw_bar_chart, draw_line_chart
from servers.browser import chromium, visit_file
from servers.loopback import serving_folder

HOSTILE = ["=1+1", "@SUM(A1)", "-2+3", "\tx", "+49", '"quoted", é', "two\nlines", None]
TABLE = pd.DataFrame(
    {
        "=heading": HOSTILE,
        "count": [1, 2, 3, 4, 5, 6, 7, None],
        "exact": [-0.1234567, 2, 3, 4, 5, 6, 7, 8],
        "yes": [True, False] * 4,
    }
)
ISLANDS = pd.DataFrame({"island": ["a", "b", "b", "All"], "x": [1, 2, 3, 4], "y": [2.0, 1.0, 4.0, 1.0]})
WIDE = pd.DataFrame({f"column number {place}": [place, place * 2] for place in range(30)})
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [0, 9], [9, 9], [9, 0], [0, 0]]]}
FEATURES = {
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "id": "1", "properties": {}, "geometry": SQUARE}],
}
GEO = {"type": "scattergeo", "lon": [1, 2], "lat": [3, 4], "mode": "markers"}
AREAS = {"type": "choropleth", "geojson": FEATURES, "locations": ["1"], "z": [1], "showscale": False}
# For each type of trace: a figure, and what of it is in the page once it is drawn.
DRAWN: dict[str, tuple[list[dict[str, Any]], str]] = {
    "bar": ([{"type": "bar", "x": [1, 2], "y": [1, 2]}], ".barlayer .point path"),
    "choropleth": ([{**GEO, "lon": [None], "lat": [None]}, AREAS], "path.choroplethlocation"),
    "histogram": ([{"type": "histogram", "x": [1, 2, 2]}], ".barlayer .point path"),
    "pie": ([{"type": "pie", "values": [1, 2], "labels": ["a", "b"]}], ".pielayer .slice path.surface"),
    "scatter": ([{"type": "scatter", "x": [1, 2], "y": [1, 2]}], ".scatterlayer .js-line"),
    "scattergeo": ([GEO], ".scattergeo path.point"),
}
DRAW = """(element, figure) => Plotly.react(element, figure.data, {...figure.layout,
    width: element.clientWidth, height: element.clientHeight}, {displayModeBar: false})"""
PLAIN = plotly_runtime("plain", DRAW)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("pages é")
    parts = split_groups(ISLANDS, ["island"])
    groups: list[Any] = [
        [(key, create_plot_widget(draw_bar_chart(part, "x", "y"), title="Bars")) for key, part in parts],
        [(key, create_table_widget(part, title="Rows")) for key, part in parts],
    ]
    widgets = [
        *groups,
        create_table_widget(TABLE, title="Texts / numbers"),
        create_table_widget(WIDE, title="Wide"),
        create_plot_widget(draw_line_chart(ISLANDS, "x", ["y"]), title="Line"),
    ]
    pages = {"dashboard": gather_dashboard("Dashboard", widgets)}
    for kind, (traces, _) in DRAWN.items():
        layout = {"geo": {"visible": False}} if "scattergeo" in str(traces) else {}
        chart = Chart(figure=checked_figure(traces, layout), runtime=PLAIN, description=kind)
        pages[kind] = gather_dashboard(kind, [create_plot_widget(chart, title=kind)])
    for name, dashboard in pages.items():
        (folder / f"{name}.html").write_text(render_page(dashboard), encoding="utf-8")
    with serving_folder(folder) as served:
        yield served


def download(opened: Any, name: str) -> tuple[str, bytes]:
    """Press a button; return the name of the file that it gives, and what is in it."""
    with opened.page.expect_download() as waiting:
        opened.page.get_by_role("button", name=name, exact=True).click()
    saved = waiting.value
    return saved.suggested_filename, Path(saved.path()).read_bytes()


def test_the_charts_here_are_of_every_type_that_pages_draw() -> None:
    assert set(DRAWN) == TRACES


@pytest.mark.parametrize("kind", sorted(DRAWN))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_type_of_chart_is_drawn_and_saved_as_svg_and_png(
    browser: Any, address: str, kind: str, scheme: str
) -> None:
    options = {"viewport": {"width": 1400, "height": 900}, "color_scheme": scheme}
    with visit_file(browser, f"{address}/{kind}.html", **options) as opened:
        opened.page.locator(DRAWN[kind][1]).first.wait_for(state="attached")
        size = opened.page.locator(".chart").bounding_box()
        name, svg = download(opened, f"SVG: download {kind}")
        root = fromstring(svg)
        assert (name, root.tag) == (f"{kind}.svg", "{http://www.w3.org/2000/svg}svg")
        assert float(root.attrib["width"]) == pytest.approx(size["width"], abs=1)
        assert float(root.attrib["height"]) == pytest.approx(size["height"], abs=1)
        ground = {"light": "#ffffff", "dark": "#161e27"}[scheme]
        assert root[0].attrib["fill"] == ground
        name, png = download(opened, f"PNG: download {kind}")
        assert (name, png[:8]) == (f"{kind}.png", b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", png[16:24])
        assert (width, height) == (2 * round(size["width"]), 2 * round(size["height"]))


def test_a_table_is_saved_as_csv_that_no_spreadsheet_runs(browser: Any, address: str) -> None:
    with visit_file(browser, f"{address}/dashboard.html") as opened:
        name, csv = download(opened, "CSV: download Texts / numbers")
    assert name == "Texts - numbers.csv"
    assert csv.startswith(b"\xef\xbb\xbf'=heading,count,exact,yes\r\n'=1+1,1,-0.1234567,True\r\n")
    read = pd.read_csv(io.BytesIO(csv))
    shown = ["'=1+1", "'@SUM(A1)", "'-2+3", "'\tx", "+49", '"quoted", é', "two\nlines"]
    assert read["'=heading"].tolist()[:7] == shown
    assert read["exact"].tolist() == TABLE["exact"].tolist()
    # A column of integers with one missing is one of integers.
    assert b"\r\n,,8.0,False\r\n" in csv


def test_the_rows_of_csv_are_in_the_order_that_is_shown(browser: Any, address: str) -> None:
    with visit_file(browser, f"{address}/dashboard.html#island=b") as opened:
        table = opened.page.locator(".view:visible table").first
        for _ in range(2):
            table.get_by_role("button", name="Y").click()
        name, csv = download(opened, "CSV: download Rows (island=b)")
    assert name == "Rows (island=b).csv"
    assert csv.decode("utf-8-sig") == "island,x,y\r\nb,3,4\r\nb,2,1\r\n"


def test_all_groups_are_shown_at_once_by_the_keyboard_and_by_a_link(browser: Any, address: str) -> None:
    with visit_file(browser, f"{address}/dashboard.html") as opened:
        page = opened.page
        opened.tab_to("Island")
        page.keyboard.press("End")
        visible = page.locator(".card.plot .view[data-key*=island]:visible")
        assert visible.count() == 3
        assert page.locator(".card.plot .view:visible .main-svg").count() >= 6
        assert page.url.endswith("#*=island") or page.url.endswith("#%2A=island")
        page.reload()
        assert visible.count() == 3
        # A group with that name is another choice.
        page.goto(f"{address}/dashboard.html#island=All")
        page.reload()
        assert visible.count() == 1


def test_a_table_that_is_too_wide_shows_where_it_goes_on(browser: Any, address: str) -> None:
    for width, scheme in ((1400, "light"), (390, "dark")):
        options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
        with visit_file(browser, f"{address}/dashboard.html", **options) as opened:
            card = opened.page.locator(".card", has=opened.page.get_by_role("heading", name="Wide"))
            card.get_by_text("Scroll sideways to see all 30 columns.").wait_for()
            sides, box = card.locator(".sides"), card.locator(".scroll")
            assert sides.get_attribute("class") == "sides more-right"
            box.focus()
            opened.page.keyboard.press("ArrowRight")
            sides.and_(opened.page.locator(".more-left.more-right")).wait_for()
            box.evaluate("box => { box.scrollLeft = box.scrollWidth; }")
            sides.and_(opened.page.locator(".more-left:not(.more-right)")).wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_people_with_disabilities_can_use_a_dashboard(
    browser: Any, address: str, width: int, scheme: str
) -> None:
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with visit_file(browser, f"{address}/dashboard.html#*=island", **options) as opened:
        opened.page.locator(".main-svg").first.wait_for()
        assert opened.findings() == []
        assert opened.width() <= width
        opened.tab_to("SVG", most=60)
        with opened.page.expect_download() as waiting:
            opened.page.keyboard.press("Enter")
        assert waiting.value.suggested_filename == "Bars (island=All).svg"


def test_what_is_for_the_screen_is_not_printed(browser: Any, address: str) -> None:
    with visit_file(browser, f"{address}/dashboard.html") as opened:
        page = opened.page
        page.locator(".downloads:visible").first.wait_for()
        page.emulate_media(media="print")
        assert page.locator(".downloads:visible, .hint:visible, .actions:visible").count() == 0
        assert page.locator("table:visible").count() >= 3
        assert page.pdf()[:5] == b"%PDF-"
