import json
from pathlib import Path

import pytest

from flowlock.edges import memo


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "in a földer" / "kept.json"
    memo.write(path, {"digest": "0a", "Größe": [1, None], "deep": {"x": {}}})
    return path


def test_a_document_comes_back_as_it_was_written(kept: Path) -> None:
    assert memo.read(kept) == {"digest": "0a", "Größe": [1, None], "deep": {"x": {}}}


def test_a_document_is_json_for_whoever_looks_into_it(kept: Path) -> None:
    assert json.loads(kept.read_bytes())["content"]["digest"] == "0a"


def test_a_document_with_any_other_byte_is_absent(kept: Path) -> None:
    data = kept.read_bytes()
    for place in range(len(data)):
        kept.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert memo.read(kept) is None


def test_a_document_with_more_or_fewer_bytes_is_absent(kept: Path) -> None:
    data = kept.read_bytes()
    for other in [data + b"\n", b" " + data, *(data[:length] for length in range(len(data)))]:
        kept.write_bytes(other)
        assert memo.read(kept) is None


@pytest.mark.parametrize("other", [b"{}", b"[]", b"null", b'{"digest": "0a"}', b"\xff\xfe"])
def test_what_was_never_written_so_is_absent(kept: Path, other: bytes) -> None:
    kept.write_bytes(other)
    assert memo.read(kept) is None


def test_no_document_and_a_folder_in_its_place_are_absent(kept: Path) -> None:
    assert memo.read(kept.with_name("none.json")) is None
    assert memo.read(kept.parent) is None


def test_a_digest_tells_values_apart_but_not_orders_of_keys() -> None:
    assert memo.digest_of({"a": 1, "b": ["é"]}) == memo.digest_of({"b": ["é"], "a": 1})
    values: tuple[object, ...] = ({"a": 1}, {"a": True}, {"a": 1.0}, {"a": "1"}, {"a": [1]}, {"a": None}, {})
    assert len({memo.digest_of(value) for value in values}) == len(values)
