"""The examples of docs/cache.md, run as the page says."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from flowlock_core.cli import main
from pages import FENCE
from shared import ROOT

TEXT = (ROOT / "docs/cache.md").read_text()
COMMANDS = re.findall(r"^    flowlock-rivers-workflow (.+)$", TEXT, re.MULTILINE)
PACKAGE = "flowlock_rivers_workflow"


def test_the_page_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = dict(FENCE.findall(TEXT))
    package = tmp_path / PACKAGE
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "rivers.py").write_text(blocks["python"])
    (tmp_path / "params.yaml").write_text(blocks["yaml"])
    (tmp_path / "levels.csv").write_text("day,level\n2020-01-01,1.5\n2020-01-02,2.5\n2020-01-03,3.5\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOWLOCK_CACHE_DIR", str(tmp_path / "cache"))
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        monkeypatch.delitem(sys.modules, name)
    runs = [command for command in COMMANDS if command.startswith("run")]
    others = [command for command in COMMANDS if command.startswith("cache")]
    assert (len(runs), len(others)) == (3, 4)
    for command in runs:
        assert main(f"{PACKAGE}.rivers:rivers", shlex.split(command)) == 0
    told = capsys.readouterr().err.splitlines()[-8:]
    shown = [line for line in blocks["text"].splitlines() if line]
    without_times = [re.sub(r"\d\.\d{3} s", "… s", line) for line in told]
    assert without_times == [re.sub(r"\d\.\d{3} s", "… s", line) for line in shown]
    assert Path("results/high.csv").read_text() == "day,level\n2020-01-03,3.5\n"
    for command in others:
        assert main(f"{PACKAGE}.rivers:rivers", shlex.split(command)) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("freed ")
