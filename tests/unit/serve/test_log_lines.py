"""Lines of a file that grows, as an event stream reads them."""

from pathlib import Path

import pytest

from flowlock_serve.log_lines import lines_from


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_bytes("one\nzwölf\nhalf".encode())
    return path


def test_whole_lines_have_the_offsets_behind_them(log: Path) -> None:
    assert lines_from(log, 0) == ([(4, "one"), (11, "zwölf")], 11)


def test_reading_goes_on_where_it_stopped(log: Path) -> None:
    assert lines_from(log, 4) == ([(11, "zwölf")], 11)
    assert lines_from(log, 11) == ([], 11)
    with log.open("a") as stream:
        stream.write(" done\n")
    assert lines_from(log, 11) == ([(21, "half done")], 21)


@pytest.mark.parametrize("offset", [-1, 1, 5, 13, 1_000, 10**18, 10**30])
def test_an_offset_inside_a_line_or_beyond_the_file_starts_over(log: Path, offset: int) -> None:
    assert lines_from(log, offset) == lines_from(log, 0)


def test_a_file_that_does_not_exist_yet_has_no_lines(tmp_path: Path) -> None:
    assert lines_from(tmp_path / "missing", 7) == ([], 7)


def test_a_long_file_is_read_in_parts_and_a_long_line_is_whole(log: Path) -> None:
    texts = ["x" * 100_000, *(f"line {number}" for number in range(20_000))]
    log.write_text("".join(f"{text}\n" for text in texts))
    offset, parts = 0, []
    while True:
        lines, offset = lines_from(log, offset)
        if not lines:
            break
        parts.append([text for _, text in lines])
    assert [text for part in parts for text in part] == texts
    assert parts[0] == texts[:1]
    assert len(parts) > 2
    assert offset == log.stat().st_size


def test_bytes_that_are_not_utf_8_do_not_stop_a_stream(log: Path) -> None:
    log.write_bytes(b"\xff\r\nnext\n")
    assert lines_from(log, 0) == ([(3, "\ufffd\r"), (8, "next")], 8)
