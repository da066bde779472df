"""Rows of text in columns."""

from flowlock.report.text_table import text_table


def test_each_column_is_as_wide_as_its_widest_cell_and_no_line_ends_with_spaces() -> None:
    rows = [("penguins", "0.1.0", ""), ("a", "12.0.0", "wide")]
    assert text_table(("name", "version", "x"), rows).splitlines() == [
        "name      version  x",
        "penguins  0.1.0",
        "a         12.0.0   wide",
    ]


def test_a_heading_without_rows_is_a_line() -> None:
    assert text_table(("a", "b"), []) == "a  b"
