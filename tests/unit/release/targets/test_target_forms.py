"""The kinds of targets, as they are known to the code, to hints and to the documentation."""

from pathlib import Path

import pytest

from flowlock.errors import FlowlockError
from flowlock.names import TARGET_FORMS
from flowlock.release.targets import KINDS, make
from flowlock.release.targets.protocol import Context
from shared import ROOT


def test_every_kind_has_a_form_that_a_hint_shows_and_a_row_in_the_documentation(tmp_path: Path) -> None:
    assert list(TARGET_FORMS) == list(KINDS)
    with pytest.raises(FlowlockError) as caught:
        make("ftp:somewhere", {}, Context(root=tmp_path, tag="v1.0.0"))
    hint = caught.value.problems[0].hint or ""
    documented = (ROOT / "docs/releasing.md").read_text()
    for kind, form in TARGET_FORMS.items():
        assert form in hint
        assert f"| `{kind}:" in documented
