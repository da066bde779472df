"""Tables in Parquet, JSON and Excel: what comes out is what is in the file."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from executions import running_into
from flowlock_core.errors import TaskError
from flowlock_core.tables import binary
from flowlock_core.tasks.io import load_table, save_table

openpyxl = pytest.importorskip("openpyxl", reason="openpyxl, which reads Excel files, is not installed")


def workbook(path: Path, rows: list[list[Any]], *, sheets: tuple[str, ...] = ("first",)) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def saved(df: pd.DataFrame, folder: Path, name: str) -> Path:
    with running_into(folder):
        return Path(save_table(df, name))


def test_identifiers_with_gaps_in_a_foreign_parquet_file_stay_integers(tmp_path: Path) -> None:
    table = pa.table({"id": pa.array([1234567890123456789, None]), "b": pa.array([True, None])})
    pq.write_table(table, tmp_path / "t.parquet")
    df = load_table(tmp_path / "t.parquet")
    assert df["id"].tolist()[0] == 1234567890123456789
    assert [str(dtype) for dtype in df.dtypes] == ["Int64", "boolean"]


def test_a_named_index_becomes_a_column_both_ways(tmp_path: Path) -> None:
    df = pd.DataFrame({"v": [1, 2]}, index=pd.Index(["a", "b"], name="site"))
    df.to_parquet(tmp_path / "t.parquet")
    assert load_table(tmp_path / "t.parquet", columns=["site", "v"]).to_numpy().tolist() == [
        ["a", 1],
        ["b", 2],
    ]
    for name in ("t.csv", "t.json", "u.parquet"):
        found = load_table(saved(df, tmp_path / "r", name))
        assert found.to_dict("list") == {"site": ["a", "b"], "v": [1, 2]}


def test_labels_without_a_name_are_refused(tmp_path: Path) -> None:
    df = pd.DataFrame({"v": [1, 2]}, index=["a", "b"])
    df.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(TaskError, match="index of the table has no name"):
        load_table(tmp_path / "t.parquet")
    with pytest.raises(TaskError, match="index of the table has no name"):
        saved(df, tmp_path, "t.csv")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"id": 1234567890123456789}, {"id": None}], [1234567890123456789, None]),
        ([{"id": "007"}, {"id": "NA"}], ["007", "NA"]),
        ([{"id": True}, {}], [True, None]),
        ([{"id": 10**30}, {"id": 1}], [10**30, 1]),
        ([{"id": 1}, {"id": "x"}], [1, "x"]),
        ([{"id": [1, 2]}, {"id": {"a": 1}}], [[1, 2], {"a": 1}]),
    ],
)
def test_json_keeps_what_it_says(rows: list[Any], expected: list[Any], tmp_path: Path) -> None:
    (tmp_path / "t.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(rows).encode())
    column = load_table(tmp_path / "t.json")["id"]
    assert [None if value is pd.NA else value for value in column.tolist()] == expected


def test_more_digits_than_a_number_keeps_are_refused_in_json_too(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('[{"a": 0.12345678901234567891}]')
    with pytest.raises(TaskError, match="cannot represent exactly"):
        load_table(tmp_path / "t.json")
    found = load_table(tmp_path / "t.json", decimal_columns=["a"])["a"].tolist()
    assert str(found[0]) == "0.12345678901234567891"


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("t.json", [float("inf")], "JSON cannot store the column `a`: it has an infinite number"),
        ("t.json", [b"x"], "JSON cannot store the column `a`: it has values of the type bytes"),
        ("t.csv", [1, "x"], "CSV cannot store the column `a`: it has values of several types"),
        ("t.csv", [[1]], "CSV cannot store the column `a`: it has values of the type list"),
        ("t.parquet", [1, "x"], "Parquet cannot store the column `a`: it has values of several types"),
        ("t.parquet", [10**30], "Parquet cannot store the column `a`"),
        ("t.csv", ["\ud800"], "half of a surrogate pair"),
        ("t.xlsx", [1], "tables cannot be written as Excel files"),
        (
            "t.csv",
            ["1,5", None],
            "CSV cannot store the column `a`: it has only strings that would be read",
        ),
        (
            "t.csv",
            ["NA", "1,000"],
            "CSV cannot store the column `a`: it has only strings that would be read",
        ),
    ],
)
def test_what_a_format_cannot_hold_is_refused_by_name(
    name: str, values: list[Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(TaskError) as caught:
        saved(pd.DataFrame({"a": pd.Series(values, dtype="object")}), tmp_path, name)
    assert message in caught.value.message


def test_what_is_not_a_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"not a workbook")
    with pytest.raises(TaskError, match="is not an Excel file") as caught:
        load_table(tmp_path / "t.xlsx")
    assert caught.value.parameter == "path"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "values"),
    [("t.csv", ["1,5", "1"]), ("t.csv", ["1,5", "x"]), ("t.tsv", ["1,5"]), ("t.json", ["1,5"])],
)
def test_strings_with_a_decimal_comma_come_back_as_strings(
    name: str, values: list[Any], tmp_path: Path
) -> None:
    path = saved(pd.DataFrame({"a": values, "b": 1.5}), tmp_path, name)
    assert load_table(path)["a"].tolist() == values
    assert load_table(path)["b"].tolist() == [1.5] * len(values)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
@pytest.mark.parametrize("column", ["0", "1,5", "true", "x"])
def test_a_column_whose_name_looks_like_a_value_keeps_its_strings(
    name: str, column: str, tmp_path: Path
) -> None:
    path = saved(pd.DataFrame({column: ["1", "007"]}), tmp_path, name)
    assert load_table(path)[column].tolist() == ["1", "007"]


@pytest.mark.parametrize("columns", [["a;b"], ["a b"], ["a;b", "c|d"]])
def test_strings_that_no_quotes_can_mark_are_refused(columns: list[str], tmp_path: Path) -> None:
    df = pd.DataFrame({column: ["1", "2"] for column in columns})
    with pytest.raises(TaskError, match=f"CSV cannot store the column `{re.escape(columns[0])}`"):
        saved(df, tmp_path, "t.csv")
    # A plain field says that quotes mark strings.
    df = df.assign(n=[1, 2])
    assert load_table(saved(df, tmp_path, "t.csv"))[columns[0]].tolist() == ["1", "2"]


def test_an_integer_among_decimal_numbers_is_a_number_of_json_like_them(tmp_path: Path) -> None:
    path = saved(pd.DataFrame({"a": pd.Series([1, 2.5], dtype="object")}), tmp_path, "t.json")
    assert load_table(path)["a"].tolist() == [1.0, 2.5]


def test_a_sheet_is_read_as_its_cells_are(tmp_path: Path) -> None:
    day = datetime(2024, 1, 31)  # noqa: DTZ001 - cells have no zone
    rows: list[list[Any]] = [["id", "n", "day", "ok"], ["007", 1, day, True], ["NA", None, day, False]]
    rows.append([None] * 4)
    df = load_table(workbook(tmp_path / "t.xlsx", rows), time_columns=["day"])
    assert df["id"].tolist() == ["007", "NA"]
    assert df["n"].tolist() == [1, pd.NA]
    assert df["day"].tolist() == [pd.Timestamp(day)] * 2
    assert df["ok"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("rows", "sheets", "message"),
    [
        ([["a"], [1]], ("x", "y"), "has 2 sheets: x, y"),
        ([["a", "a"], [1, 2]], ("x",), "the columns 1 and 2 are both named `a`"),
        ([["a", None], [1, 2]], ("x",), "the column 2 of 2 has no name"),
        ([], ("x",), "the sheet is empty"),
        ([["a"], ["=1+1"]], ("x",), "row 2: the value of the formula =1+1 is not stored in the file"),
    ],
)
def test_a_sheet_that_is_not_certain_is_refused(
    rows: list[list[Any]], sheets: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "t.xlsx", rows, sheets=sheets)
    with pytest.raises(TaskError) as caught:
        load_table(path)
    assert message in caught.value.message


def test_without_openpyxl_the_line_for_requirements_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binary, "find_spec", lambda _name: None)
    with pytest.raises(TaskError) as caught:
        load_table(workbook(tmp_path / "t.xlsx", [["a"], [1]]))
    assert "- {name: openpyxl" in (caught.value.hint or "")


@pytest.mark.parametrize("rows", ['[{"": 1}]', '[{"a": 1}, {"a": 2, "": 3}]'])
def test_a_column_without_a_name_is_refused_in_json_too(rows: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(rows)
    with pytest.raises(TaskError, match="has an empty key"):
        load_table(tmp_path / "t.json")


@pytest.mark.parametrize("name", ["t.csv", "t.json", "t.parquet"])
def test_a_table_that_could_not_be_read_again_is_not_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="no name"):
        saved(pd.DataFrame({"": [1]}), tmp_path, name)
