"""TOML is read with places, and bounded."""

import pytest

from flowlock.documents import toml
from flowlock.documents.toml_tokens import MAX_DEPTH, MAX_TEXT, MAX_VALUES, MAX_WORD
from flowlock.errors import FlowlockError, Problem

LINE = "k = 1\n"


def read(text: str) -> toml.Document:
    return toml.read(text, "a.toml", code="FL610")


def problem(text: str) -> Problem:
    with pytest.raises(FlowlockError) as caught:
        read(text)
    return caught.value.problems[0]


def test_every_key_table_and_item_has_its_place() -> None:
    document = read('# top\n[a."b.c"]\nd.e = [\n  1, # one\n  { f = 2 },\n]\n[[g]]\nh = 1\n[[g]]\n  h = 2\n')
    assert document.places == {
        ("a",): (2, 2),
        ("a", "b.c"): (2, 4),
        ("a", "b.c", "d"): (3, 1),
        ("a", "b.c", "d", "e"): (3, 3),
        ("a", "b.c", "d", "e", 0): (4, 3),
        ("a", "b.c", "d", "e", 1): (5, 3),
        ("a", "b.c", "d", "e", 1, "f"): (5, 5),
        ("g",): (7, 3),
        ("g", 0): (7, 3),
        ("g", 0, "h"): (8, 1),
        ("g", 1): (9, 3),
        ("g", 1, "h"): (10, 3),
    }


def test_a_path_without_a_place_has_that_of_the_nearest_around_it() -> None:
    document = read("[a]\nb = 1\n")
    assert str(document.at(("a", "x", 3))) == "a.toml:1:2"
    assert str(document.at(("z",))) == "a.toml:1:1"


def test_toml_1_1_is_read() -> None:
    document = read('lint = {\n  cmd = "ruff\\e", # comment\n  depends-on = [],\n}\n')
    assert document.data == {"lint": {"cmd": "ruff\x1b", "depends-on": []}}
    assert str(document.at(("lint", "depends-on"))) == "a.toml:3:3"


def test_strings_over_several_lines_hide_what_looks_like_keys() -> None:
    document = read('a = """\nb = 1\n[c]\n\\""" """""\nd = \'\'\'\n"""\'\'\'\'\ne = 1\n')
    assert document.data == {"a": 'b = 1\n[c]\n""" ""', "d": '"""\'', "e": 1}
    assert document.places == {("a",): (1, 1), ("d",): (5, 1), ("e",): (7, 1)}


def test_a_byte_order_mark_and_windows_line_ends_change_no_place() -> None:
    assert read("\ufeffa = 1\r\nb = 2\r\n").places == {("a",): (1, 1), ("b",): (2, 1)}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = 1\nb = \n", "2:5"),
        ('a = "x\n', "1:7"),
        ("a = {\n  b = 1,\n", "3:1"),
        ('a = """\n', "2:1"),
        ("a = 2026-13-45\n", "1:9"),
        ("= 1", "1:1"),
    ],
)
def test_what_is_not_toml_is_refused_with_its_place(text: str, place: str) -> None:
    found = problem(text)
    assert found.code == "FL610"
    assert found.message.startswith("not TOML: ")
    assert str(found.location) == f"a.toml:{place}"


def nested(levels: int) -> str:
    return "a = " + "[" * levels + "]" * levels


def dotted(parts: int) -> str:
    return ".".join(["a"] * parts) + " = 1"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = 1\na = 2\n", "2:6"),
        ("[a]\n[b]\n[a]\n", "3:3"),
        ("[[a]]\n[a]\n", "2:3"),
        ("a = {b = 1, b = 2}\n", "1:18"),
        ("a = {}\n[a.b]\n", "2:5"),
        ("[a.b]\nc = 1\n[a]\nb.c = 2\n", "4:8"),
    ],
)
def test_what_is_given_twice_is_told_as_that(text: str, place: str) -> None:
    found = problem(text)
    assert found.code == "FL330", found
    assert found.message.startswith("a key or a table is given twice: ")
    assert str(found.location) == f"a.toml:{place}"


LIMITS = {
    "text": ("#" * MAX_TEXT, "#" * (MAX_TEXT + 1), "characters"),
    "values": (
        f"a = [{'1,' * (MAX_VALUES - 2)}]",
        f"a = [{'1,' * (MAX_VALUES - 1)}]",
        "keys and values",
    ),
    "depth": (nested(MAX_DEPTH - 1), nested(MAX_DEPTH + 1), "levels"),
    "parts of a key": (dotted(MAX_DEPTH), dotted(MAX_DEPTH + 1), "parts"),
    "depth of tables in tables": (
        f"[{'.'.join('a' * 40)}]\n{dotted(MAX_DEPTH - 40)}\n",
        f"[{'.'.join('a' * 40)}]\n{dotted(MAX_DEPTH - 39)}\n",
        "levels",
    ),
    "number": ("a = " + "1" * MAX_WORD, "a = " + "1" * (MAX_WORD + 1), "a token has 401 characters"),
    "hexadecimal number": ("a = 0x" + "1" * 200, "a = 0x" + "1" * MAX_WORD, "a token has 402 characters"),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_text_up_to_a_limit_is_read_and_one_beyond_it_is_refused(limit: str) -> None:
    within, beyond, words = LIMITS[limit]
    read(within)
    found = problem(beyond)
    assert found.code == "FL329"
    assert found.message.startswith("too large: ")
    assert words in found.message
    assert found.hint


@pytest.mark.parametrize("unclosed", ['"""' + '\\"""' * 100_000, '"' * 100_001, "'" * 99_999, "[" * 60])
def test_quotes_that_are_never_closed_take_no_more_time_than_others(unclosed: str) -> None:
    assert problem(f"a = {unclosed}").message.startswith("not TOML: ")
