"""YAML and JSON from people: contents, places, faults, bounds."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flowlock_core.documents import parse_document, read_text
from flowlock_core.errors import WorkflowError


def problems(text: str, file: str = "p.json") -> list[str]:
    try:
        found = parse_document(text, file).problems
    except WorkflowError as error:
        found = error.problems
    return [str(problem) for problem in found]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1,\n "a": 2}', "p.json:2:2: FL722 the key `a` is given twice"),
        ('{"a": [1,]}', "p.json:1:10: FL721 not JSON: there is a comma before `]`"),
        ('{"a": NaN}', "p.json:1:7: FL721 not JSON: expected a value"),
        ('{"a": 1} x', "p.json:1:10: FL721 not JSON: the file must end after the value"),
        ("{'a': 1}", "p.json:1:2: FL721 not JSON: expected a key in double quotes"),
        ('{"a" 1}', "p.json:1:6: FL721 not JSON: expected a colon after the key"),
        ('["x\ty"]', "p.json:1:4: FL721 not JSON: invalid control character"),
        ('["\\ud800"]', "p.json:1:2: FL742 a string contains half of a surrogate pair"),
        ('{"a": 1e999}', "p.json:1:7: FL740 the number 1e999 is too large"),
        ('{"a": 01}', "p.json:1:8: FL721 not JSON: expected a comma or `}`"),
        ("[" * 100, "p.json:1:66: FL741 nested deeper than 64 levels"),
        ("9" * 5000, "p.json:1:1: FL740 a number of 5,000 digits is too long"),
        ("", "p.json:1:1: FL721 not JSON: expected a value"),
        ("é: 1", "p.json:1:1: FL721 not JSON: expected a value"),
    ],
)
def test_what_is_not_json_is_refused_at_its_place(text: str, told: str) -> None:
    assert problems(text)[0].startswith(told)


def test_a_line_that_is_dedented_badly_is_described_as_indentation() -> None:
    (told,) = problems("levels:\n    path: a.csv\n  format: csv\n", "p.yaml")
    assert told == (
        "p.yaml:3:3: FL721 not YAML: the line is indented by 2 spaces, which does not match any line above\n"
        "  hint: the block that begins on line 1 is indented by 0"
    )


def test_a_text_without_a_suffix_is_json_if_it_can_be() -> None:
    assert parse_document('{"a": "\\ud83d\\ude00"}', "<stdin>").content == {"a": "\U0001f600"}
    assert parse_document("{a: 1}", "<stdin>").content == {"a": 1}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_names_the_encoding(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes("a: é".encode(encoding))
    assert read_text(path, "file", code="FL720") == "a: é"


def _yaml_of_keys(count: int) -> str:
    return "step:\n  names:\n" + "".join(f"    key{n}: value {n}\n" for n in range(count))


def _json_of_keys(count: int) -> str:
    return json.dumps({"step": {"names": {f"key{n}": f"value {n}" for n in range(count)}}}, indent=1)


@pytest.mark.parametrize(("make", "file"), [(_yaml_of_keys, "p.yaml"), (_json_of_keys, "p.json")])
def test_many_parameters_are_read_and_endless_ones_refused(make: Callable[[int], str], file: str) -> None:
    document = parse_document(make(60_000), file)
    assert len(document.content["step"]["names"]) == 60_000
    assert "more than 200,000 values" in problems(make(200_001), file)[0]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('a: "x\nb: 1\n', "1:4", 'the quote `"` that begins here is not closed'),
        ("a: [1,\nb: 1\n", "1:4", "the bracket `[` that begins here is not closed"),
        ("a: 1\nb 2\nc: 3\n", "2:1", "a line that begins here has no `: `"),
        ("a: >=1\n", "1:4", "an unquoted string cannot begin with `>`"),
        ("a: @x\n", "1:4", "an unquoted string cannot begin with `@`"),
        ("a: 'it's'\n", "1:8", "something follows a string in quotes"),
        ("a:\n  - b: 1\n  c: 2\n", "3:3", "an item of a list must begin with `- `"),
        ("a:\n  - b: 1\n   c: 2\n", "3:4", "the line is indented by 3 spaces"),
        ("a: 1\n- b\n", "2:1", "an item of a list is where a key is expected"),
        ("a: {{ b }}\n", "1:5", "a key must be a string"),
    ],
)
def test_a_mistake_in_yaml_is_told_where_it_was_made(text: str, place: str, words: str) -> None:
    (problem,) = problems(text, "p.yaml")
    assert problem.startswith(f"p.yaml:{place}: ")
    assert words in problem
