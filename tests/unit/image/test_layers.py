"""Layers: the same files give the same bytes, in every order, place and umask; each is made once."""

import io
import os
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from flowlock.image import layers
from flowlock.image.layers import LINK, PROGRAM, SHARED_FOLDER, LayerCache, TarEntry, write_tar

EPOCH = datetime(2026, 11, 1, tzinfo=UTC)


def written(entries: list[TarEntry]) -> tuple[bytes, str]:
    stream = io.BytesIO()
    diff_id = write_tar(stream, entries, EPOCH)
    return stream.getvalue(), diff_id


def unpacked(data: bytes) -> dict[str, tarfile.TarInfo]:
    raw = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        return {entry.name: entry for entry in tar}


def some(folder: Path, umask: int) -> list[TarEntry]:
    before = os.umask(umask)
    try:
        folder.mkdir()
        (folder / "größe.txt").write_text("content\n")
    finally:
        os.umask(before)
    return [
        TarEntry(path="opt/größe.txt", source=folder / "größe.txt"),
        TarEntry(path="opt/bin/run", source=b"#!/bin/sh\n", mode=PROGRAM),
        TarEntry(path="opt/" + "long/" * 40 + "name", source=b"x"),
        TarEntry(path="lib", link="usr/lib", mode=LINK),
        TarEntry(path="tmp", mode=SHARED_FOLDER),
    ]


def test_the_same_files_give_the_same_bytes_whatever_their_order_place_time_and_umask(tmp_path: Path) -> None:
    first = written(some(tmp_path / "one", 0o022))
    os.utime(tmp_path / "one/größe.txt", (1, 1))
    assert written(some(tmp_path / "another plâce", 0o077)[::-1]) == first


def test_a_tar_that_is_too_large_for_one_call_is_the_same_tar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [*some(tmp_path / "one", 0o022), TarEntry(path="opt/data", source=bytes(3 * layers.BLOCK))]
    at_once, diff_id = written(entries)
    monkeypatch.setattr(layers, "AT_ONCE", 3 * layers.BLOCK)
    streamed, same_diff_id = written(entries)
    assert streamed != at_once
    assert same_diff_id == diff_id
    assert unpacked(streamed).keys() == unpacked(at_once).keys()


def test_a_layer_has_the_modes_and_owners_that_were_stated_and_the_time_of_the_epoch(tmp_path: Path) -> None:
    data, _ = written(some(tmp_path / "one", 0o077))
    entries = unpacked(data)
    assert {entry.mtime for entry in entries.values()} == {int(EPOCH.timestamp())}
    assert {(entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries.values()} == {
        (0, 0, "", "")
    }
    assert entries["opt/größe.txt"].mode == 0o644
    assert entries["opt/bin/run"].mode == 0o755
    assert entries["opt/bin"].isdir()
    assert entries["lib"].linkname == "usr/lib"
    assert entries["tmp"].mode == 0o1777
    assert list(entries) == sorted(entries)


def test_a_layer_is_kept_by_its_key_until_its_bytes_change(tmp_path: Path) -> None:
    cache = LayerCache(folder=tmp_path)
    assert cache.find("key", "birds") is None
    made = cache.add("key", "birds", [TarEntry(path="a", source=b"a")], EPOCH)
    assert cache.find("key", "birds") == made
    blob = cache.blob(made.blob.digest)
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    assert cache.find("key", "birds") is None
