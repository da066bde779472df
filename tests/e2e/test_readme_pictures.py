"""The pictures at the top of the README: a terminal and a dashboard, as they are."""

import io
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from flowlock.cli import main
from flowlock.commands.init import init
from pictures import assert_pictured, views
from servers.browser import chromium, visit_file
from servers.loopback import serving_folder
from shared import ROOT

TERMINAL = ROOT / "docs/images/terminal.svg"
COLUMNS = 84
SHOWN = (["check"], ["explain", "FL140"])


def words(svg: str) -> list[str]:
    """Return the words of a picture of a terminal, in their order."""
    return " ".join(unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)).split()


def test_the_picture_of_the_terminal_is_what_the_commands_print(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    refresh_golden: bool,
) -> None:
    init(tmp_path / "rivers")
    spec = tmp_path / "rivers/examples/hello/spec.yaml"
    spec.write_text(spec.read_text().replace("column:", "colum:").replace("workflow.trips", "workflow.trip"))
    monkeypatch.chdir(tmp_path / "rivers")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for command in SHOWN:
        main(command)
        console.print(Text(f"$ flowlock {' '.join(command)}", style="bold"))
        console.print(Text.from_ansi(capsys.readouterr().out.rstrip("\n")))
        console.print()
    # The letters are those of the reader's machine: no font is loaded.
    svg = re.sub(
        r"@font-face \{.*?\}\s*",
        "",
        console.export_svg(title="flowlock", unique_id="flowlock"),
        flags=re.DOTALL,
    )
    if refresh_golden:
        TERMINAL.write_text(svg)
    assert words(TERMINAL.read_text()) == words(svg)
    assert not re.search(r"url\(\W*http|href=.http", TERMINAL.read_text())


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the penguins."""
    folder, made = ROOT / "examples/penguins", tmp_path_factory.mktemp("penguins é")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "flowlock_penguins_workflow", "run"),
            *("--params", str(folder / "params.yaml"), "--results", str(made)),
        ],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(folder / "flowlock-penguins-workflow")},
    )
    assert done.returncode == 0, done.stderr
    return made


@views
def test_the_pictures_of_the_dashboard_are_of_the_penguins(
    scheme: str, width: int, results: Path, *, refresh_golden: bool
) -> None:
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 860}}
    with (
        serving_folder(results) as address,
        chromium() as browser,
        visit_file(browser, f"{address}/dashboard.html", **options) as opened,
    ):
        opened.page.locator("svg.main-svg").first.wait_for()
        assert opened.width() == width
        assert opened.findings() == []
        picture = opened.page.screenshot()
    assert_pictured(f"images/dashboard-{scheme}-{width}.png", picture, refresh=refresh_golden)
