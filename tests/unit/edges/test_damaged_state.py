"""Every file that flowlock keeps for itself: damaged in any way, it counts as absent."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flowlock.base import wheels
from flowlock.builder.package_tests.outcomes import OutcomeCache
from flowlock.commands import run
from flowlock.edges import memo
from flowlock.release import ledger
from flowlock.release.ledger import Ledger, LedgerEntry
from flowlock.tasks import discover
from state_readers import CONTENTS, NAMES, PLAIN, READERS, outcomes


@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_file_counts_as_absent_whatever_its_shape(kind: str, tmp_path: Path) -> None:
    read, absent = READERS[kind]
    path = tmp_path / NAMES.get(kind, "kept.json")
    path.parent.mkdir(exist_ok=True)
    for data in PLAIN:
        path.write_bytes(data)
        assert read(path) == absent, data[:80]
    for content in CONTENTS:
        memo.write(path, content)
        assert read(path) == absent or _is_empty_but_sound(kind, content), content


def _is_empty_but_sound(kind: str, content: Mapping[str, Any]) -> bool:
    """Say whether contents are what a reader takes for nothing kept."""
    return kind == "environment" and content == {}


def test_sound_files_are_read(tmp_path: Path) -> None:
    """The control: what is written is what is read."""
    entry = LedgerEntry(target="t", place="p", sha256="0" * 64, size=1, url="u", time="2026-01-01T00:00:00Z")
    written = Ledger(tag="v1.0.0", commit="c", entries=(entry,))
    ledger.write(written, [], tmp_path)
    assert ledger.read(tmp_path / ledger.FILE, tag="v1.0.0", commit="c") == written
    assert ledger.read(tmp_path / ledger.FILE, tag="v1.0.1", commit="c").entries == ()
    path = tmp_path / "tests.json"
    tested = OutcomeCache(path)
    tested.keep_outcome("a", "x", "passed")
    tested.keep_pass("a", "x")
    tested.save(["a"])
    assert outcomes(path) == ("passed", True)
    memo.write(path, {"tasks": [], "errors": []})
    assert discover.kept_description(path, ("tasks", "errors")) == {"tasks": [], "errors": []}
    memo.write(path, {"pins": [{"file": "a.whl", "url": "https://h/a.whl", "sha256": "0" * 64}]})
    assert [pin.file for pin in wheels._kept(path) or ()] == ["a.whl"]
    record = {"environment": "e", "params": "None", "inputs": {}, "outputs": {}}
    (tmp_path / run.RECORD).write_text(json.dumps(record))
    assert run._is_current(tmp_path, "e", None)
