"""Mistakes in tables and in the file names of tables, when a workflow begins with one."""

from walk.mistake import Mistake, mistake, write

NEW = "flowlock new workflow lakes --from-data ../lakes.csv"
LAKES = "day,lake,level\n2026-03-01,Como,1.5\n2026-03-02,Como,1.7\n"


def lakes(content: str | bytes, command: str = NEW) -> Mistake:
    return mistake(command, edits=write("../lakes.csv", content))


MISTAKES = {
    "table-that-is-not-there": mistake(
        "flowlock new workflow lakes --from-data lakes.csv",
        "flowlock new workflow lakes --from-data ..",
        edits=write("../lakes.csv", LAKES),
    ),
    "empty-table": lakes(""),
    "excel-file-named-csv": lakes(b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00\xb5U0#\xf4\x00\x00\x00"),
    "excel-file-that-is-a-table": mistake(
        "flowlock new workflow lakes --from-data ../lakes.xlsx", edits=write("../lakes.xlsx", LAKES)
    ),
    "duplicate-header": lakes(LAKES.replace("lake,", "day,")),
    "header-without-a-name": lakes(LAKES.replace("lake,", ",")),
    "not-utf-8": lakes(LAKES.replace("Como", "Zürich").encode("latin-1")),
    "row-with-too-many-fields": lakes(LAKES + "2026-03-03,Como,1,8\n"),
    "unclosed-quote": lakes(LAKES + '2026-03-03,"Como,1.8\n'),
    "two-delimiters": lakes("day;lake,x\n1;a,b\n2;c,d\n"),
    "title-above-the-header": lakes("Levels of lakes\n\n" + LAKES),
    "table-of-unknown-format": mistake(
        "flowlock new workflow lakes --from-data ../lakes.ods", edits=write("../lakes.ods", LAKES)
    ),
    "html-page-named-csv": lakes("<!DOCTYPE html>\n<html><body>Sign in, please</body></html>\n"),
    "thousands-with-commas": lakes("day;volume\n2026-03-01;1,500\n2026-03-02;2,750\n"),
}
