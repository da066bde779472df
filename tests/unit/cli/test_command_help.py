"""The help of the command line: grouped by what people do, whole at 80 columns."""

import pytest

from command_lines import COMMAND
from flowlock.cli import main
from flowlock.cli.command_help import OTHER, Panel, panel_of, summary


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert main(["--help"]) == 0
    return capsys.readouterr().out.splitlines()


def test_every_command_is_in_the_panel_of_what_people_do_with_it() -> None:
    panels = {name: panel_of(command) for name, command in COMMAND.commands.items()}
    assert not [name for name, panel in panels.items() if panel == OTHER], "give it a rich_help_panel"
    assert set(panels.values()) == set(Panel)


def test_the_panels_are_in_order_with_whole_summaries_within_80_columns(lines: list[str]) -> None:
    headings = [line.removesuffix(":") for line in lines if line.endswith(":") and line[0].isalpha()]
    assert headings == ["Options", *Panel]
    assert max(map(len, lines)) <= 80
    words = " ".join(" ".join(lines).split())
    for name, command in COMMAND.commands.items():
        assert f"{name} {summary(command)}" in words


def test_a_group_without_panels_has_one_heading(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("Commands:") == 1
    assert OTHER not in printed
