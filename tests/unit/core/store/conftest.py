from pathlib import Path

import pytest

from resumable import Gauges


@pytest.fixture
def gauges(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Gauges:
    found = Gauges(tmp_path, capsys)
    monkeypatch.syspath_prepend(tmp_path / "code")
    return found
