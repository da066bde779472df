from dataclasses import replace

import pytest

from flowlock.errors import Location, Problem, Severity
from flowlock.report import renderings as render


def problem(line: int | None, column: int | None, message: str = "wrong", hint: str | None = None) -> Problem:
    location = Location(file="a,b.yaml", line=line, column=column)
    return Problem(code="FL999", message=message, location=location, hint=hint)


def test_carets_stand_under_the_whole_value() -> None:
    text = render.as_text([problem(1, 6, hint="do")], {"a,b.yaml": "key: some words\n"})
    assert text.splitlines() == [
        "a,b.yaml:1:6: FL999 wrong",
        "  1 | key: some words",
        "    |      ^^^^",
        "  hint: do",
    ]


@pytest.mark.parametrize(
    ("value", "length"), [('"a b"', 5), ("'it''s'", 7), ("${{ workflow.a.return }}", 24), ("[1]", 1)]
)
def test_quotes_and_references_are_one_value(value: str, length: int) -> None:
    text = render.as_text([problem(1, 6)], {"a,b.yaml": f"key: {value} # comment"})
    assert text.splitlines()[2].strip() == "| " + " " * 5 + "^" * length


def test_a_long_line_is_cut_around_the_value() -> None:
    line = "x" * 500 + " here " + "y" * 500
    lines = render.as_text([problem(1, 502)], {"a,b.yaml": line}).splitlines()
    shown, carets = lines[1].partition("| ")[2], lines[2].partition("| ")[2]
    assert len(shown) == 100
    assert shown[carets.index("^") :].startswith("here")
    assert carets.count("^") == 4


@pytest.mark.parametrize(("line", "column"), [(None, None), (3, 1), (1, 99)])
def test_a_place_that_is_not_in_the_text_has_no_snippet(line: int | None, column: int | None) -> None:
    assert "|" not in render.as_text([problem(line, column)], {"a,b.yaml": "key: value"})


def test_lines_are_counted_as_yaml_counts_them() -> None:
    text = "a: 1\r\nb: 2\rc: 3\u2028d: 4\x85e: 5"
    assert "  5 | e: 5" in render.as_text([problem(5, 1)], {"a,b.yaml": text})


def test_json_is_the_contract() -> None:
    assert render.as_json([problem(1, 2, hint="do")]) == {
        "ok": False,
        "problems": [
            {"code": "FL999", "message": "wrong", "file": "a,b.yaml", "line": 1, "column": 2, "hint": "do"}
        ],
        "warnings": [],
    }
    assert render.as_json([]) == {"ok": True, "problems": [], "warnings": []}


def test_warnings_are_told_apart() -> None:
    one = replace(problem(1, 2), severity=Severity.WARNING)
    document = render.as_json([one])
    assert document["ok"]
    assert not document["problems"]
    assert document["warnings"] == [one.as_json()]
    assert render.as_text([one], {}) == "a,b.yaml:1:2: warning: FL999 wrong"
    assert render.as_github([one]).startswith("::warning file=")


def test_github_reads_what_we_escape() -> None:
    assert render.as_github([problem(1, 2, "100% wrong", hint="do")]) == (
        "::error file=a%2Cb.yaml,line=1,col=2,title=FL999::100%25 wrong%0Ahint: do"
    )
