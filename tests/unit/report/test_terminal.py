"""Colour, links and widths: what a terminal shows, and that a pipe gets plain text."""

import io
import os
import pty
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlock.cli import main
from flowlock.commands.init import init
from flowlock.report import styling, terminal
from shared import ROOT

GOLDEN = ROOT / "tests/golden/terminal"
ESCAPE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]|\x1b\]8;[^\x1b]*\x1b\\")
LINK = re.compile(r"\x1b\]8;id=\d+;")
VARIABLES = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM_PROGRAM", "VTE_VERSION", "KITTY_WINDOW_ID")


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def rivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a spec that has problems; the current folder."""
    root = tmp_path / "rivers"
    init(root)
    spec = root / "examples/hello/spec.yaml"
    spec.write_text(spec.read_text().replace("column:", "colum:").replace("workflow.trips", "workflow.trip"))
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    ("variables", "stream", "color"),
    [
        ({}, Screen(), True),
        ({}, io.StringIO(), False),
        ({"NO_COLOR": "1"}, Screen(), False),
        ({"NO_COLOR": ""}, Screen(), True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, Screen(), False),
        ({"FORCE_COLOR": "1"}, io.StringIO(), True),
        ({"FORCE_COLOR": "0"}, io.StringIO(), False),
        ({"TERM": "dumb"}, Screen(), False),
    ],
)
def test_colour_is_for_terminals_and_for_those_who_force_it(
    variables: dict[str, str], stream: io.StringIO, color: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert terminal.is_colored(stream) is color


SNAPSHOTS = {
    "help-of-a-command": (["export", "--help"], 80, 0),
    "bare-group": (["cache"], 80, 2),
    "problems": (["check"], 80, 1),
    "problems-narrow": (["check"], 60, 1),
    "unknown-workflow": (["run", "helo"], 80, 1),
    "usage": (["build", "--job"], 80, 2),
    "workflows-60": (["workflows"], 60, 0),
    "workflows-200": (["workflows"], 200, 0),
    "explanation": (["explain", "FL120"], 80, 0),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
@pytest.mark.usefixtures("rivers")
def test_the_terminal_shows_what_the_golden_file_has(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    refresh_golden: bool,
) -> None:
    arguments, columns, code = SNAPSHOTS[name]
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(arguments) == code
    printed = "".join(capsys.readouterr())
    file = GOLDEN / f"{name}.ansi"
    if refresh_golden:
        file.write_text(printed)
    assert file.read_text() == printed
    if name.startswith(("help", "workflows", "bare")):
        # Sentences are wrapped by the terminal, so that they can be copied.
        assert max(len(ESCAPE.sub("", line)) for line in printed.splitlines()) <= columns


@pytest.mark.usefixtures("rivers")
@pytest.mark.parametrize("arguments", [["--help"], ["check"], ["workflows"], ["run", "helo"]])
def test_a_pipe_gets_the_same_words_without_escapes(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(arguments)
    plain = "".join(capsys.readouterr())
    assert "\x1b" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    main(arguments)
    colored = "".join(capsys.readouterr())
    assert "\x1b" in colored
    assert ESCAPE.sub("", colored).split() == plain.split()


@pytest.mark.usefixtures("rivers")
@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--format", "github"],
        ["check", "--format", "json"],
        ["schema", "workspace"],
        ["completion", "zsh"],
        ["--json", "explain"],
    ],
)
def test_what_programs_read_is_never_coloured(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    main(arguments)
    forced = capsys.readouterr().out
    monkeypatch.delenv("FORCE_COLOR")
    main(arguments)
    assert forced == capsys.readouterr().out
    assert "\x1b" not in forced


def test_rich_is_not_imported_for_help_or_for_a_pipe() -> None:
    code = "import sys, flowlock.cli as c; c.main({}); sys.exit('rich' in sys.modules)"
    for arguments, force in ((["--help"], "1"), (["explain", "FL120"], "")):
        done = subprocess.run(
            [sys.executable, "-c", code.format(arguments)],
            env={**os.environ, "FORCE_COLOR": force},
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0


def on_a_terminal(folder: Path, *arguments: str, **variables: str) -> str:
    """Run the command on a real pseudo-terminal, and return what it writes there."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "flowlock", *arguments]
    with subprocess.Popen(
        command, cwd=folder, stdout=slave, stderr=slave, stdin=slave, env={**os.environ, **variables}
    ) as process:
        os.close(slave)
        written = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # Linux reports the end of a terminal so
                break
            if not part:
                break
            written += part
        process.wait()
    os.close(master)
    return written.decode()


def test_a_real_terminal_gets_colour_and_links_where_it_knows_them(rivers: Path) -> None:
    plain = on_a_terminal(rivers, "check", NO_COLOR="1")
    colored = on_a_terminal(rivers, "check", COLUMNS="100")
    linked = on_a_terminal(rivers, "check", COLUMNS="100", VTE_VERSION="7200")
    assert "\x1b" not in plain
    assert "\x1b[1;31m" in colored
    assert not LINK.search(colored)
    spec = rivers / "examples/hello/spec.yaml"
    assert spec.as_uri() in linked
    assert ESCAPE.sub("", linked).split() == ESCAPE.sub("", colored).split() == plain.split()


def test_progress_on_a_terminal_has_counts_and_times(monkeypatch: pytest.MonkeyPatch) -> None:
    from flowlock.edges.amounts import Tally
    from flowlock.report import activity
    from flowlock.report.reporter import LiveProgress

    monkeypatch.setattr(activity, "FIRST_SECONDS", 0)
    screen, tally = Screen(), Tally(3)
    progress = LiveProgress(screen)
    with progress.stage("base") as stage:
        progress.working(f"downloaded {tally.add(1_500_000)}: [numpy]")
        stage.status, stage.detail = "made", "3 packages"
    shown = ESCAPE.sub("", screen.getvalue())
    assert "base  downloaded 1 of 3, 1.5 MB: [numpy]  (0 s)" in shown
    assert "base       made     3 packages  (0.0 s)" in shown


def statuses() -> set[str]:
    """Return every state that a result can have: the members of the enumerations of states."""
    values: set[str] = set()
    for path in sorted((ROOT / "src/flowlock/flowlock").rglob("*.py")):
        for name in re.findall(r"^class (\w*(?:Status|State))\(StrEnum\)", path.read_text(), re.MULTILINE):
            parts = path.relative_to(ROOT / "src/flowlock").with_suffix("").parts
            kind = getattr(import_module(".".join(parts)), name)
            values |= set(kind)
    return values


def test_every_state_has_a_meaning() -> None:
    assert len(statuses()) > 5
    assert not statuses() - set(styling.STATES)


def test_a_state_is_only_one_in_a_cell_of_its_own() -> None:
    def states(line: str) -> list[str]:
        return [
            line[part.start : part.end]
            for part in styling.parts(line)
            if part.style in styling.STATES.values()
        ]

    assert states("build      failed   2 built in the channel  (0.1 s)") == ["failed"]
    assert states("examples/a/pixi.lock: stale")[-1:] == ["stale"]
    assert states("rivers  1.0  would be built  (source changed)") == ["built"]
    assert states("the current build failed because a file is missing") == []


WORDS = st.text(alphabet="abcdefgh-", min_size=1, max_size=14)
CELLS = st.lists(st.lists(WORDS, min_size=1, max_size=12).map(" ".join), min_size=1, max_size=6)


@given(CELLS, st.integers(min_value=60, max_value=200))
def test_a_table_fits_any_width_and_loses_no_word(cells: list[str], width: int) -> None:
    line = "   ".join(cells)
    fitted = styling.fitted(line, width)
    assert fitted.split() == line.split()
    if len(cells) > 1:
        assert max(map(len, fitted.split("\n"))) <= width
    if len(line) <= width:
        assert fitted == line
