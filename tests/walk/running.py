"""Mistakes in parameters and when workflows run."""

from walk.mistake import PARAMS, TABLE, Mistake, mistake, write

GOOD = "measured:\n  column: level_cm\ntable:\n  path: levels.csv\n"


def params(content: str) -> Mistake:
    return mistake("flowlock run floods", edits=write(PARAMS, content))


def table(content: str) -> Mistake:
    return mistake("flowlock run floods", edits=write(TABLE, content))


MISTAKES = {
    "parameters-file-absent": mistake("flowlock run floods --params parms.yaml"),
    "parameter-missing": params("measured:\n  column: level_cm\n"),
    "parameter-unknown": params(GOOD + "  sheets: one\n"),
    "parameter-of-unknown-step": params(GOOD.replace("table:", "tabel:")),
    "parameter-of-wrong-type": params(GOOD.replace("levels.csv", "5")),
    "parameters-empty": params(""),
    "parameters-with-a-tab": params(GOOD.replace("  path", "\tpath")),
    "parameters-file-of-a-missing-table": params(GOOD.replace("levels.csv", "level.csv")),
    "column-misspelt": mistake(
        "flowlock run floods", edits=write(TABLE, "day,gauge,level\n2026-03-01,Mill,1\n")
    ),
    "date-in-the-wrong-order": table("day,gauge,level_cm\n01.03.2026,Mill,112\n02.03.2026,Mill,131\n"),
    "impossible-date": table("day,gauge,level_cm\n2026-02-30,Mill,112\n"),
    "task-that-raises": params(GOOD.replace("level_cm", "level")),
    "results-in-a-folder-with-files": mistake("flowlock run floods --results examples/floods"),
}
