"""The examples of docs/connections.md do what is said of them."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from flowlock.spec.catalog import Catalog
from flowlock.spec.rules.check import check_text
from flowlock_core.connections.postgres import Postgres
from flowlock_core.connections.settings import Sources
from flowlock_core.registry import registrations
from flowlock_core.schema import signature
from pages import FENCE
from shared import ROOT
from specs import FACTS, with_verdicts

PAGE = (ROOT / "docs/connections.md").read_text()


def blocks(language: str) -> list[str]:
    return [match[2] for match in FENCE.finditer(PAGE) if match[1] == language]


def test_variables_toml_and_yaml_give_the_same_settings(tmp_path: Path) -> None:
    variables = dict(re.findall(r"^export (\w+)=(.+)$", blocks("sh")[0], re.MULTILINE))
    assert len(variables) == 4
    said = [Postgres.named("main", Sources({"HOME": str(tmp_path / "nobody"), **variables}))]
    for suffix, text in (("toml", blocks("toml")[0]), ("yaml", blocks("yaml")[0])):
        path = tmp_path / f"connections.{suffix}"
        path.write_text(text)
        path.chmod(0o600)
        said.append(Postgres.named("main", Sources({"FLOWLOCK_CONNECTIONS_FILE": str(path)})))
    assert said[0] == said[1] == said[2]
    assert said[0].identity() == {
        "kind": "postgres",
        "host": "db.example.org",
        "port": 5432,
        "database": "rivers",
        "user": "reader",
    }
    peers = {
        name.replace("FLOWLOCK_", "ECOSCOPE_WORKFLOWS__").lower(): text for name, text in variables.items()
    }
    assert Postgres.named("main", Sources(peers)) == said[0]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that the page's Python is."""
    module = ModuleType("rivers_gauges")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(blocks("python")[0], vars(module))  # noqa: S102 - our own documentation
    return module


def test_a_kind_of_ones_own_is_read_checked_and_identified(example: Any) -> None:
    settings = {"server": "gauges.example", "station_key": "K7", "token": "secret"}
    variables = {f"FLOWLOCK_CONNECTIONS__GAUGES__MAIN__{key}": value for key, value in settings.items()}
    main = example.Gauges.named("main", Sources(variables))
    assert main.check() == "gauges.example, station K7"
    assert main.identity() == {"kind": "gauges", "server": "gauges.example", "station_key": "K7"}
    (parameter,) = signature(example.count_gauges).parameters
    assert parameter.connection == {"kind": "gauges"}
    assert example.count_gauges(main) == 14


@pytest.mark.parametrize("block", [block for block in blocks("yaml") if block.startswith("id:")])
def test_the_specs_of_the_page_have_no_problems_and_require_what_they_need(block: str) -> None:
    known = [one for one in registrations() if one.distribution == "flowlock-core"]
    found = [signature(one.load(), name=one.name, distribution=one.distribution) for one in known]
    catalog = with_verdicts(Catalog.of(found), block, known)
    assert check_text(block, "spec.yaml", catalog, FACTS)[1] == []
    line = next(line for line in block.splitlines() if "adbc" in line or "obstore" in line)
    without = block.replace(f"{line}\n", "")
    (problem,) = {one.code: one for one in check_text(without, "spec.yaml", catalog, FACTS)[1]}.values()
    assert problem.code == "FL176"
    assert line.strip() in (problem.hint or "")
