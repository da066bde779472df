"""An archive is believed only as far as its file agrees."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from flowlock.base.manifest import FILE, BaseEntry, BaseManifest, load, save, sound_entries


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.conda").write_bytes(b"one")
    entry = BaseEntry(path="one.conda", record={"sha256": sha256(b"one").hexdigest()})
    save(tmp_path, BaseManifest(inputs="i", interpreter="p", entries=(entry,)))
    return tmp_path


def test_a_manifest_is_read_as_it_was_written(folder: Path) -> None:
    known = load(folder)
    assert (known.inputs, known.interpreter) == ("i", "p")
    assert list(sound_entries(folder, known.entries)) == ["one.conda"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": 1}', '{"schema": 0}'])
def test_a_damaged_manifest_knows_nothing(folder: Path, text: str) -> None:
    (folder / FILE).write_text(text)
    assert load(folder) == BaseManifest()


def test_a_file_that_was_touched_is_believed_by_its_digest(folder: Path) -> None:
    os.utime(folder / "one.conda", (1, 1))
    assert list(sound_entries(folder, load(folder).entries)) == ["one.conda"]


@pytest.mark.parametrize("content", [b"two", b"longer", None])
def test_a_file_that_is_altered_or_missing_is_not_sound(folder: Path, content: bytes | None) -> None:
    path = folder / "one.conda"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
        os.utime(path, (1, 1))
    assert not sound_entries(folder, load(folder).entries)
