"""Nasty tables in text: what comes out is what stands there, or the refusal names what settles it."""

from pathlib import Path
from typing import Any

import pytest

from flowlock_core.errors import TaskError
from flowlock_core.tasks.io import load_table


def load(folder: Path, text: str | bytes, name: str = "t.csv", **said: Any) -> dict[str, list[Any]]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    df = load_table(path, **said)
    columns: dict[str, list[Any]] = {}
    for column in df.columns:
        pairs = zip(df[column].isna().tolist(), df[column].tolist(), strict=True)
        columns[column] = [None if missing else value for missing, value in pairs]
    return columns


READ: dict[str, tuple[str | bytes, dict[str, Any], dict[str, list[Any]]]] = {
    "semicolons and decimal commas": ("site;mm\nA;1,5\nB;2\n", {}, {"site": ["A", "B"], "mm": [1.5, 2.0]}),
    "decimal commas in quotes": ('a,b\n"1,5",x\n"2,25",y\n', {}, {"a": [1.5, 2.25], "b": ["x", "y"]}),
    "a decimal comma that is said": ("a;b\n1,500;1\n", {"decimal": ","}, {"a": [1.5], "b": [1]}),
    "grouped thousands stay texts": ("a;b\n1,500;1\n", {"decimal": "."}, {"a": ["1,500"], "b": [1]}),
    "tabs": ("a\tb\n1\tx, y\n", {}, {"a": [1], "b": ["x, y"]}),
    "bars": ("a|b\n1|2\n", {}, {"a": [1], "b": [2]}),
    "a delimiter that is said": ("a b\n1 2\n", {"delimiter": " "}, {"a": [1], "b": [2]}),
    "a word for a delimiter": ("a\tb\n1\t2\n", {"delimiter": "tab"}, {"a": [1], "b": [2]}),
    "one column": ("a\n1\n2\n", {}, {"a": [1, 2]}),
    "one column with a gap": ("a\n1\n\n2\n", {}, {"a": [1, None, 2]}),
    "empty lines among rows": ("a,b\n1,2\n\n3,4\n\n", {}, {"a": [1, 3], "b": [2, 4]}),
    "line ends of Windows": ("a,b\r\n1,2\r\n", {}, {"a": [1], "b": [2]}),
    "line ends of old Macs": ("a,b\r1,2\r", {}, {"a": [1], "b": [2]}),
    "line breaks in quotes": ('a,b\n"x\ny",1\n"x\r\nz",2\n', {}, {"a": ["x\ny", "x\r\nz"], "b": [1, 2]}),
    "quotes in quotes": ('a,b\n"say ""hi""",1\n', {}, {"a": ['say "hi"'], "b": [1]}),
    "a quote inside of a text": ('a,b\n5" pipe,1\n', {}, {"a": ['5" pipe'], "b": [1]}),
    "a mark of UTF-8": ("\ufeffa,b\n1,2\n", {}, {"a": [1], "b": [2]}),
    "UTF-16": ("a,b\né,2\n".encode("utf-16"), {}, {"a": ["é"], "b": [2]}),
    "UTF-16 that is said": (
        "a,b\né,2\n".encode("utf-16-le"),
        {"encoding": "utf-16-le"},
        {"a": ["é"], "b": [2]},
    ),
    "a mark and the encoding said": ("\ufeffa,b\n1,2\n", {"encoding": "utf-8"}, {"a": [1], "b": [2]}),
    "Latin-1 that is said": ("a,b\né,2\n".encode("latin-1"), {"encoding": "latin-1"}, {"a": ["é"], "b": [2]}),
    "identifiers of 19 digits": ("id\n1234567890123456789\n\n", {}, {"id": [1234567890123456789, None]}),
    "identifiers of 20 digits": ("id\n18446744073709551615\n", {}, {"id": [18446744073709551615]}),
    "identifiers of 30 digits": (
        "id\n123456789012345678901234567890\n",
        {},
        {"id": ["123456789012345678901234567890"]},
    ),
    "leading zeros": ("id,n\n007,1\n012,2\n", {}, {"id": ["007", "012"], "n": [1, 2]}),
    "leading zeros as numbers": ("id\n007\n", {"number_columns": ["id"]}, {"id": [7]}),
    "telephone numbers": ("t\n+49123\n+1555\n", {}, {"t": ["+49123", "+1555"]}),
    "codes that look like exponents": ("c\n1E5\n2B7\n", {}, {"c": ["1E5", "2B7"]}),
    "numbers kept as texts": ("c\n1e5\n1.50\n", {"text_columns": ["c"]}, {"c": ["1e5", "1.50"]}),
    "Namibia": ("c\nNA\nZA\n", {}, {"c": ["NA", "ZA"]}),
    "missing numbers": ("n,m\n1,x\nNA,y\nnull,z\n", {}, {"n": [1, None, None], "m": ["x", "y", "z"]}),
    "missing truth values": ("b\ntrue\nNA\nfalse\n", {}, {"b": [True, None, False]}),
    "missing texts that are said": (
        "c,n\nNA,NA\nx,1\n",
        {"null_words": ["NA"]},
        {"c": [None, "x"], "n": [None, 1]},
    ),
    "Namibia beside missing numbers": (
        "c,n\nNA,NA\nx,1\n",
        {"text_columns": ["c"]},
        {"c": ["NA", "x"], "n": [None, 1]},
    ),
    "no words at all": ("n\n1\nNA\n", {"null_words": []}, {"n": ["1", "NA"]}),
    "an empty text and a missing one": ('a,b\n"",1\n,2\n', {}, {"a": ["", None], "b": [1, 2]}),
    "spaces around numbers": ("a, b\n1, 2\n", {}, {"a": [1], " b": [2]}),
    "spaces in texts": ("a,b\n x ,1\n", {}, {"a": [" x "], "b": [1]}),
    "minus zero": ("a\n-0.0\n1\n", {}, {"a": [-0.0, 1.0]}),
    "infinities": ("a\ninf\n-inf\n1.5\n", {}, {"a": [float("inf"), float("-inf"), 1.5]}),
    "seventeen digits": ("a\n0.12345678901234568\n", {}, {"a": [0.12345678901234568]}),
    "numbers as numpy writes them": ("a\n1.000000000000000056e-01\n", {}, {"a": [0.1]}),
    "quoted numbers with commas are no decimal commas": (
        'a,b\n"1,5",1.5\n"1",2.5\n',
        {},
        {"a": ["1,5", "1"], "b": [1.5, 2.5]},
    ),
    "quoted thousands beside a quoted number": (
        'a,b\n"1,000",1\n"1",2\n',
        {},
        {"a": ["1,000", "1"], "b": [1, 2]},
    ),
    "another delimiter inside of a quoted name": ('00,"|0"\n', {}, {"00": [], "|0": []}),
    "another delimiter inside of each quoted field": ('a;"b,c"\n1;"x,y"\n', {}, {"a": [1], "b,c": ["x,y"]}),
    "quoted numbers among others": ('id,n\n"1",2\n"3",4\n', {}, {"id": ["1", "3"], "n": [2, 4]}),
    "each field in quotes": ('"id","n"\n"1","2"\n', {}, {"id": [1], "n": [2]}),
    "quoted nothing among numbers": ('a,b\n1,x\n"",y\n', {}, {"a": [1, None], "b": ["x", "y"]}),
    "truth values": ("a,b\nTrue,1\nFalse,0\n", {}, {"a": [True, False], "b": [1, 0]}),
    "a column without values": ("a,b\n1,\n2,\n", {}, {"a": [1, 2], "b": [None, None]}),
    "no rows": ("a,b\n", {}, {"a": [], "b": []}),
    "some columns": ("a,b\n1,0.12345678901234567891\n", {"columns": ["a"]}, {"a": [1]}),
    "a field of a megabyte": ("a,b\n" + "x" * 1_000_000 + ",1\n", {}, {"a": ["x" * 1_000_000], "b": [1]}),
}


@pytest.mark.parametrize("name", READ)
def test_a_table_is_read_as_it_stands(name: str, tmp_path: Path) -> None:
    text, said, expected = READ[name]
    found = load(tmp_path, text, **said)
    assert found == expected
    assert [[type(value) for value in column] for column in found.values()] == [
        [type(value) for value in column] for column in expected.values()
    ]


REFUSED: dict[str, tuple[str | bytes, str, str]] = {
    "a longer row": (
        "day,mm\n2024-01-01,5,\n",
        "path",
        "t.csv:2: the row has 3 fields, but the header has 2",
    ),
    "a longer row far below": (
        "a,b\n" + "1,2\n" * 5000 + "1,2,3\n",
        "path",
        "t.csv:5002: the row has 3 fields",
    ),
    "a shorter row": ("a,b\n1,2\n1\n", "path", "t.csv:3: the row has 1 field, but the header has 2"),
    "a longer row after line breaks": ('a,b\n"x\n\ny",2\n1,2,3\n', "path", "t.csv:5: the row has 3 fields"),
    "a longer row after empty lines": ("\n\na,b\n1,2,3\n", "path", "t.csv:4: the row has 3 fields"),
    "two delimiters": ("a,b;c,d\n1,2;3,4\n", "delimiter", "it may be comma or semicolon"),
    "only a header with two delimiters": ("a,b;c\n", "delimiter", "it may be comma or semicolon"),
    "columns of spaces": ("a b\n1 2\n", "delimiter", "it may be space"),
    "thousands or decimals": (
        'a,b\n"1,500",x\n',
        "decimal",
        "1,500, in which the comma may be a decimal mark",
    ),
    "equal names": ("a,b,a\n1,2,3\n", "path", "t.csv:1: the columns 1 and 3 are both named `a`"),
    "no name": ("a,,c\n1,2,3\n", "path", "t.csv:1: the column 2 of 3 has no name"),
    "pandas' index": (",a\n0,1\n", "path", "the column 1 of 2 has no name"),
    "a delimiter at each end": ("a,b,\n1,2,\n", "path", "the column 3 of 3 has no name"),
    "Latin-1": ("a,b\nx,é\n".encode("latin-1"), "path", "t.csv:2:3: the byte 0xE9 is not UTF-8"),
    "UTF-16 without a mark": ("a,b\n1,2\n".encode("utf-16-le"), "encoding", "NUL characters"),
    "half of UTF-16": (b"\xff\xfea", "path", "is not UTF-16"),
    "an open quote": ('a,b\n1,"x\n2,y\n', "path", "t.csv:2: a quoted string is not closed"),
    "a text after a quote": ('a,b\n"x"y,1\n', "path", "t.csv:2: there is a quote inside an unquoted string"),
    "nothing": ("", "path", "is empty"),
    "empty lines": ("\n\r\n  \n", "path", "is empty"),
    "more digits than a number keeps": (
        "a\n0.12345678901234567891\n",
        "path",
        "the column `a` contains 0.12345678901234567891",
    ),
    "a long integer among fractions": (
        "a\n9007199254740993\n0.5\n",
        "path",
        "the column `a` contains 9007199254740993",
    ),
    "beyond all numbers": ("a\n1e999\n1\n", "path", "the column `a` contains 1e999"),
    "a word for missing that is a text": (
        "c,n\nNA,NA\nx,1\n",
        "null_words",
        "`NA` means a missing number",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_certain_is_refused_with_its_place_and_a_way_out(name: str, tmp_path: Path) -> None:
    text, parameter, message = REFUSED[name]
    with pytest.raises(TaskError) as caught:
        load(tmp_path, text)
    assert message in caught.value.message
    assert caught.value.parameter == parameter
    assert caught.value.hint


@pytest.mark.parametrize(
    ("said", "parameter"),
    [
        ({"delimiter": "ab"}, "delimiter"),
        ({"delimiter": '"'}, "delimiter"),
        ({"delimiter": ",", "decimal": ","}, "decimal"),
        ({"encoding": "no-such"}, "encoding"),
        ({"encoding": "base64"}, "encoding"),
        ({"sheet": "x"}, "sheet"),
        ({"text_columns": ["c"]}, "text_columns"),
        ({"text_columns": ["a"], "number_columns": ["a"]}, "number_columns"),
        ({"number_columns": ["b"]}, "number_columns"),
        ({"decimal_columns": ["b"]}, "decimal_columns"),
    ],
)
def test_a_parameter_that_does_not_fit_the_file_is_refused(
    said: dict[str, Any], parameter: str, tmp_path: Path
) -> None:
    with pytest.raises(TaskError) as caught:
        load(tmp_path, "a,b\n1,x\n", **said)
    assert caught.value.parameter == parameter


def test_decimal_columns_keep_all_digits(tmp_path: Path) -> None:
    found = load(tmp_path, "a\n0.12345678901234567890\nNA\n", decimal_columns=["a"])
    assert [str(value) for value in found["a"]] == ["0.12345678901234567890", "None"]


@pytest.mark.parametrize("name", ["t.tsv", "t.txt", "t.tab"])
def test_other_suffixes_of_text_are_known(name: str, tmp_path: Path) -> None:
    assert load(tmp_path, "a\tb\n1\t2,5\n", name) == {"a": [1], "b": [2.5]}


@pytest.mark.parametrize("text", ["1_000", "١٢", "1.500", "1e", "NaN2", "0x10", "Infinity"])
def test_a_number_column_takes_nothing_but_plain_numbers(text: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="is not a number"):
        load(tmp_path, f"a;b\n{text};1\n", number_columns=["a"], decimal=",")


@pytest.mark.parametrize("number", ["1e-9999999", "0." + "1" * 1000, "1" * 800 + "e-400"])
def test_a_number_that_no_float_is_near_enough_to_is_refused_in_bounded_time(
    number: str, tmp_path: Path
) -> None:
    with pytest.raises(TaskError, match="cannot represent exactly"):
        load(tmp_path, f"a\n{number}\n0.5\n")
    assert len(load(tmp_path, "a\n1e999999999\n", decimal_columns=["a"])["a"]) == 1
