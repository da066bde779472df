"""docs/dagster-start.md, followed to the letter with a Dagster beside it."""

import sys
from pathlib import Path

import pytest

from servers.dagster_stack import BIN
from shared import require_part
from tutorial import follow


def test_the_page_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_part(found=BIN.is_dir(), part="Dagster")
    home = tmp_path / "héme"
    home.mkdir()
    monkeypatch.setenv("DAGSTER", str(BIN.parent))
    follow(home, Path(sys.executable).parent, "dagster-start.md")
