"""What a YAML mapping of ours may hold, and where each of its values is."""

import time

import pytest

from flowlock.documents.yaml import read_mapping
from flowlock.errors import FlowlockError
from flowlock_core.documents.nodes import MAX_DEPTH, MAX_SCALAR, MAX_TEXT, MAX_VALUES
from flowlock_core.documents.scalars import LONGEST_NUMBER


def refused(text: str) -> list[tuple[str, str, str]]:
    with pytest.raises(FlowlockError) as caught:
        read_mapping(text, "r")
    return [(problem.code, str(problem.location), problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "code", "place", "words"),
    [
        ("extra:\n  1: x\n  a: y\n", "FL107", "r:2:3", "a key must be a string"),
        ("extra: {true: x}\n", "FL107", "r:1:9", "a key must be a string"),
        ("extra: {[1, 2]: x}\n", "FL107", "r:1:9", "a key must be a string"),
        ("extra: {? {a: b} : x}\n", "FL107", "r:1:11", "a key must be a string"),
        ("a: 1\na: 2\n", "FL102", "r:2:1", "`a` is given twice"),
        ("extra: &a {b: *a}\n", "FL101", "r:1:15", "refers to itself"),
        ("extra: &a {<<: *a}\n", "FL101", "r:1:16", "refers to itself"),
        ("extra: !!binary aGVsbG8=\n", "FL103", "r:1:8", "`!!binary` is not allowed"),
        ("extra: !!set {a, b}\n", "FL103", "r:1:8", "`!!set` is not allowed"),
        ("extra: !secret x\n", "FL103", "r:1:8", "`!secret` is not allowed"),
        ("extra: {a: !!bool maybe}\n", "FL103", "r:1:12", "`maybe` is not a valid value"),
        ("extra: {a: 010}\n", "FL103", "r:1:12", "begins with a zero"),
        ("[]\n", "FL104", "r:1:1", "expected a mapping"),
        ("", "FL104", "r:1:1", "expected a mapping"),
        ("a: 1\n---\nb: 1\n", "FL104", "r:2:1", "a second document"),
        ("a: !!map [1]\n", "FL103", "r:1:4", "`!!map` is not allowed"),
        ("a: b\n<<: 5\n", "FL107", "r:2:5", "`<<` must be a mapping"),
        ("a: \x07\n", "FL106", "r:1:4", "U+0007"),
    ],
)
def test_what_no_document_may_hold_is_refused_with_its_place(
    text: str, code: str, place: str, words: str
) -> None:
    ((found, where, message),) = refused(text)
    assert (found, where) == (code, place)
    assert words in message


def test_all_that_is_wrong_is_reported_together() -> None:
    problems = refused("1: a\nb: {2: c}\nd: !x y\n")
    assert sorted(place for _, place, _ in problems) == ["r:1:1", "r:2:5", "r:3:4"]


LIMITS = {
    "characters": ("#" * (MAX_TEXT - 5) + "\na: 1", "#" * MAX_TEXT + "\na: 1", "characters"),
    "a text": (f"a: {'x' * MAX_SCALAR}", f"a: {'x' * (MAX_SCALAR + 1)}", "too long"),
    "values": (
        "a:\n" + "- x\n" * (MAX_VALUES - 3),
        "a:\n" + "- x\n" * MAX_VALUES,
        f"more than {MAX_VALUES:,} values",
    ),
    "depth": (
        "a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1),
        "a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        "levels",
    ),
    "digits": (f"a: {'1' * LONGEST_NUMBER}", f"a: {'1' * (LONGEST_NUMBER + 1)}", "digits"),
    "hexadecimal digits": ("a: 0x" + "f" * 300, "a: 0x" + "f" * 5000, "digits"),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_text_up_to_a_limit_is_read_and_one_beyond_it_is_refused(limit: str) -> None:
    within, beyond, words = LIMITS[limit]
    read_mapping(within, "r")
    assert words in refused(beyond)[0][2]


@pytest.mark.parametrize("use", ["[*a{0}, *a{0}]", "{{x: *a{0}, y: *a{0}}}", "{{x{0}: *a{0}, <<: *a{0}}}"])
def test_aliases_of_aliases_do_not_make_a_document_without_end(use: str) -> None:
    rows = [f"a{number + 1}: &a{number + 1} {use.format(number)}\n" for number in range(40)]
    began = time.monotonic()
    ((code, _, message),) = refused("a0: &a0 {x: y}\n" + "".join(rows))
    assert (code, message) == ("FL105", "aliases make this document too large")
    assert time.monotonic() - began < 5


def test_places_are_those_of_the_text() -> None:
    text = "context:\n  version: 1.10\nsource:\n  - path: a\n  - {path: b, url: c}\n"
    places = read_mapping(text, "r").places
    assert str(places.value(("source", 1, "url"))) == "r:5:20"
    assert str(places.key(("source", 1, "url"))) == "r:5:15"
    assert str(places.value(("source", 1, "git"))) == "r:3:1"
    assert str(places.value(("package", "name"))) == "r:1:1"
    assert places.written["context", "version"] == "1.10"


def test_what_is_merged_in_has_the_text_of_what_wins() -> None:
    text = "a: &a {x: 1.0, y: 2.0}\nb: &b {x: 3.0}\nc: {<<: [*a, *b], y: 4.0}\n"
    document = read_mapping(text, "r")
    assert document.content["c"] == {"x": 1.0, "y": 4.0}
    assert [document.places.written["c", key] for key in "xy"] == ["1.0", "4.0"]


def test_scalars_are_read_as_in_parameters() -> None:
    text = "{a: yes, b: 12:30, c: 2026-01-01, d: 1_000, e: 0o17, f: ~, g: !!str 5}\n"
    assert read_mapping(text, "r").content == {
        "a": "yes", "b": "12:30", "c": "2026-01-01", "d": "1_000", "e": 15, "f": None, "g": "5"
    }  # fmt: skip
