import json
from pathlib import Path
from typing import Any

import pytest

from flowlock.edges import memo


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "in a földer" / "kept.json"
    memo.write(path, {"digest": "0a", "Größe": [1, None], "deep": {"x": {}}})
    return path


def test_a_document_comes_back_as_it_was_written(kept: Path) -> None:
    assert memo.read(kept, dict[str, Any]) == {"digest": "0a", "Größe": [1, None], "deep": {"x": {}}}


def test_a_document_is_json_for_whoever_looks_into_it(kept: Path) -> None:
    assert json.loads(kept.read_bytes())["content"]["digest"] == "0a"


def test_a_document_with_any_other_byte_is_absent(kept: Path) -> None:
    data = kept.read_bytes()
    for place in range(len(data)):
        kept.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert memo.read(kept, dict[str, Any]) is None


def test_a_document_with_more_or_fewer_bytes_is_absent(kept: Path) -> None:
    data = kept.read_bytes()
    for other in [data + b"\n", b" " + data, *(data[:length] for length in range(len(data)))]:
        kept.write_bytes(other)
        assert memo.read(kept, dict[str, Any]) is None


@pytest.mark.parametrize("other", [b"{}", b"[]", b"null", b'{"digest": "0a"}', b"\xff\xfe"])
def test_what_was_never_written_so_is_absent(kept: Path, other: bytes) -> None:
    kept.write_bytes(other)
    assert memo.read(kept, dict[str, Any]) is None


def test_no_document_and_a_folder_in_its_place_are_absent(kept: Path) -> None:
    assert memo.read(kept.with_name("none.json"), dict[str, Any]) is None
    assert memo.read(kept.parent, dict[str, Any]) is None


SHAPES: tuple[Any, ...] = (dict[str, str], dict[str, list[Any]], list[Any], int, dict[str, dict[str, int]])


@pytest.mark.parametrize("shape", SHAPES)
def test_a_document_of_another_shape_is_absent(kept: Path, shape: Any) -> None:
    assert memo.read(kept, shape) is None
    kept.write_bytes(b'{"digest": "0a", "x": [1]}')
    assert memo.read_plain(kept, shape) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\x00" * 100,
        b"\xff\xfe{}",
        b"[" * 300_000,
        b'{"a":' * 300_000,
        b'{"a": ' + b"9" * 100_000 + b"}",
        b'{"a": "\\ud800"}',
    ],
)
def test_a_plain_file_that_is_damaged_is_absent(kept: Path, data: bytes) -> None:
    kept.write_bytes(data)
    assert memo.read_plain(kept, dict[str, dict[str, str]]) is None
    memo.write(kept, {"x": "y"})
    sealed = kept.read_bytes()
    kept.write_bytes(sealed.replace(b'{"x":"y"}', data))
    assert memo.read(kept, dict[str, str]) is None


def test_contents_that_cannot_be_taken_apart_are_absent() -> None:
    assert memo.made_of({"a": 1}, lambda document: document["a"] + 1) == 2
    misfits: tuple[Any, ...] = (None, {}, [], {"a": "text"}, {"a": None}, 5)
    for content in misfits:
        assert memo.made_of(content, lambda document: document["a"] + 1) is None


def test_a_digest_tells_values_apart_but_not_orders_of_keys() -> None:
    assert memo.digest_of({"a": 1, "b": ["é"]}) == memo.digest_of({"b": ["é"], "a": 1})
    values: tuple[object, ...] = ({"a": 1}, {"a": True}, {"a": 1.0}, {"a": "1"}, {"a": [1]}, {"a": None}, {})
    assert len({memo.digest_of(value) for value in values}) == len(values)
