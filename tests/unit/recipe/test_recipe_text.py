"""What a recipe's YAML may hold, and where each of its values stands."""

import pytest

from flowlock.errors import FlowlockError
from flowlock.recipe.text import DEEPEST, read


def refused(text: str) -> list[tuple[str, str]]:
    with pytest.raises(FlowlockError) as caught:
        read(text, "r")
    assert {problem.code for problem in caught.value.problems} == {"FL310"}
    return [(str(problem.location), problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("extra:\n  1: x\n  a: y\n", "r:2:3", "the key `1` is no text"),
        ("extra: {yes: x}\n", "r:1:9", "the key `yes` is no text"),
        ("extra: {[1, 2]: x}\n", "r:1:9", "a key is no text"),
        ("extra: {? {a: b} : x}\n", "r:1:11", "a key is no text"),
        ("a: 1\na: 2\n", "r:2:1", "`a` is given twice"),
        ("extra: &a {b: *a}\n", "r:1:8", "holds itself"),
        ("extra: &a {<<: *a}\n", "r:1:8", "holds itself"),
        ("extra: &a [[*a]]\n", "r:1:8", "holds itself"),
        ("extra: " + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), f"r:1:{8 + DEEPEST}", "levels"),
        ("extra: !!binary aGVsbG8=\n", "r:1:8", "`!!binary` has no meaning"),
        ("extra: !!set {a, b}\n", "r:1:8", "`!!set` has no meaning"),
        ("extra: !secret x\n", "r:1:8", "`!secret` has no meaning"),
        ("extra: {a: 0x_}\n", "r:1:12", "`0x_` is no value"),
        ("extra: {a: !!bool maybe}\n", "r:1:12", "`maybe` is no value"),
        (f"extra: {{a: 0x{'f' * 5000}}}\n", "r:1:12", "is no value"),
        ("[]\n", "r:1:1", "a mapping was expected"),
        ("", "r:1:1", "a mapping was expected"),
        ("a: !!map [1]\n", "r:1:4", "mapping"),
        ("a: b\n<<: 5\n", "r:2:5", "merging"),
    ],
)
def test_what_no_recipe_may_hold_is_refused_with_its_place(text: str, place: str, words: str) -> None:
    ((found, message),) = refused(text)
    assert found == place
    assert words in message


def test_all_that_is_wrong_is_told_together() -> None:
    assert [place for place, _ in refused("1: a\nb: {2: c}\nd: &d [*d]\n")] == ["r:1:1", "r:2:5", "r:3:4"]


@pytest.mark.parametrize("use", ["[*a{0}, *a{0}]", "{{<<: [*a{0}, *a{0}]}}"])
def test_aliases_of_aliases_do_not_make_a_document_without_end(use: str) -> None:
    first = "a0: &a0 {x: y}\n" if "<<" in use else "a0: &a0 [x]\n"
    rows = [f"a{number + 1}: &a{number + 1} {use.format(number)}\n" for number in range(40)]
    assert "100000 values" in refused(first + "".join(rows))[0][1]


def test_places_are_those_of_the_text() -> None:
    text = "context:\n  version: 010\nsource:\n  - path: a\n  - *b\n".replace("*b", "{path: b, url: c}")
    places = read(text, "r").places
    assert str(places.value(("source", 1, "url"))) == "r:5:20"
    assert str(places.key(("source", 1, "url"))) == "r:5:15"
    assert str(places.value(("source", 1, "git"))) == "r:3:1"
    assert str(places.value(("package", "name"))) == "r:1:1"
    assert places.written["context", "version"] == "010"


def test_what_is_merged_in_has_the_text_of_what_wins() -> None:
    text = "a: &a {x: 01, y: 02}\nb: &b {x: 03}\nc: {<<: [*a, *b], y: 04}\n"
    found = read(text, "r")
    assert found.content["c"] == {"x": 1, "y": 4}
    assert [found.places.written["c", key] for key in "xy"] == ["01", "04"]
