"""The examples of docs/executors.md, run as the page says."""

import json
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path

import pytest

from flowlock_core.cli import main
from flowlock_core.command.running import run_workflow
from flowlock_core.execute import Executor, Options
from pages import FENCE
from servers.dask_parts import use_dask_parts
from shared import ROOT

TEXT = (ROOT / "docs/executors.md").read_text()
PACKAGE = "flowlock_rivers_workflow"
COMMANDS = re.findall(r"^    flowlock-rivers-workflow (.+)$", TEXT, re.MULTILINE)


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the page's modules where they are imported from."""
    package = tmp_path / PACKAGE
    package.mkdir()
    (package / "__init__.py").touch()
    for kind, block in FENCE.findall(TEXT):
        if kind == "python":
            name = block.partition("\n")[0].removeprefix("# ")
            (package / name).write_text(block)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        monkeypatch.delitem(sys.modules, name)
    return package


def test_the_page_has_examples() -> None:
    assert len(COMMANDS) == 6


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_run_as_the_page_says(
    command: str, modules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fails = "compared.to=0" in command
    assert main(f"{PACKAGE}.rivers:rivers", shlex.split(command)) == (1 if fails else 0)
    err = capsys.readouterr().err
    if fails:
        assert f"{modules}/rivers.py:27:13: FL733 compared: the task ratio failed: ZeroDivisionError" in err
        assert "  arguments: levels=<list of 3>, to=0.0\n  Traceback (most recent call last):\n" in err
        assert ("done     feet" in err) == ("--keep-going" in command)
        assert not Path("results/result.json").exists()
        return
    assert re.search(r"^done     feet {29}in_feet x3  \d\.\d{3} s  \(\d of 3\)$", err, re.MULTILINE)
    document = json.loads(Path("results/result.json").read_text())
    assert document["result"] == [["upper", 4.92], ["middle", 8.2], ["lower", 13.12]]


@pytest.mark.parametrize("executor", list(Executor))
@pytest.mark.usefixtures("modules")
def test_no_step_sees_what_another_changes(executor: Executor) -> None:
    if executor is Executor.DASK:
        use_dask_parts()
    changing = import_module(f"{PACKAGE}.changing").changing
    assert run_workflow(changing, Options(executor=executor))[0] == ["level"]
