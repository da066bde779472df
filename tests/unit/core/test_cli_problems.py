"""The problems of a workflow as its command tells them to programs: all, each with its place."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flowlock_core.cli import main


def document(out: str) -> Any:
    return json.loads(out)


def test_json_gives_the_files_and_nothing_that_a_task_prints(package: str, tmp_path: Path) -> None:
    module = Path(sys.path[0]) / package / "workflow.py"
    module.write_text(
        module.read_text() + '\nimport os\nprint("from Python")\nos.system("echo from a process")\n'
    )
    arguments = ["--json", "run", "--mock-io", "--results", str(tmp_path / "r")]
    code = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main(sys.argv[1], sys.argv[2:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, f"{package}.workflow:sample", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "paths é")},
    )
    files = [str(tmp_path / "r" / name) for name in ("result.json", "dashboard.html")]
    (run,) = (tmp_path / "r/runs").iterdir()
    assert document(done.stdout) == {"ok": True, "run": run.name, "files": files}
    assert "from Python" in done.stderr
    assert "from a process" in done.stderr


def test_json_gives_all_problems_of_a_parameters_file_with_their_places(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(
        "tabel: {path: data.csv}\ntable:\n  path: 3\n  format: cvs\n  columns: [a]\n  columns: [b]\ncard: 7\n"
    )
    assert main(f"{package}.workflow:sample", ["--json", "run", "--params", str(params)]) == 1
    out, err = capsys.readouterr()
    found = document(out)
    assert (found["ok"], found["message"]) == (False, "the parameters are not valid for the workflow")
    keys = ("code", "line", "column", "message", "hint")
    expected = [
        ("FL722", 6, 3, "the key `columns` is given twice", "the first is on line 5; keep one of them"),
        ("FL723", 7, 7, "card: expected a mapping of parameters to values"),
        ("FL724", 1, 1, "tabel: the workflow does not have this step", "did you mean `table`?"),
        ("FL728", 3, 9, "table.path: expected a path, not 3", None),
        ("FL728", 4, 11, 'table.format: "cvs" is not one of `csv`, `tsv`, `parquet`, `json`, `excel`'),
    ]
    told = [tuple(one[key] for key in keys) for one in found["problems"]]
    assert [one[: len(wanted)] for one, wanted in zip(told, expected, strict=True)] == expected
    assert {one["file"] for one in found["problems"]} == {str(params)}
    assert all(set(one) == {*keys, "file"} for one in found["problems"])
    assert found["problems"][-1]["hint"] == "did you mean `csv`?"
    # People read the same.
    assert f"{params}:3:9: FL728 table.path: expected a path, not 3" in err


def test_a_step_with_no_name_like_it_gets_those_that_take_parameters(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("zzz: {}\ntable: {path: data.csv}\n")
    assert main(f"{package}.workflow:sample", ["--json", "run", "--params", str(params)]) == 1
    (problem,) = document(capsys.readouterr().out)["problems"]
    # Not `rows_there`: the workflow gives it all that it takes.
    assert problem["hint"] == "the steps with parameters are table, card, dashboard"


@pytest.mark.parametrize(("function", "told"), [("bug", "FL004"), ("interrupted", "FL003")])
def test_json_stays_one_document_when_a_run_is_cut_short(
    package: str, function: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(f"{package}.workflow:{function}", ["--json", "run"]) in (3, 130)
    assert [one["code"] for one in document(capsys.readouterr().out)["problems"]] == [told]


def test_json_tells_of_each_case_what_is_wrong_and_where(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text(
        "bad:\n  expect:\n    title: other\nwrong:\n  params:\n    card: {decimals: many}\ngood: {}\n"
    )
    assert main(f"{package}.workflow:sample", ["--json", "test", str(cases)]) == 1
    bad, wrong, good = document(capsys.readouterr().out)["cases"]
    (problem,) = bad["problems"]
    assert (problem["code"], problem["line"], problem["column"]) == ("FL736", 3, 12)
    (problem,) = wrong["problems"]
    assert (problem["code"], problem["line"], problem["column"]) == ("FL728", 6, 22)
    assert (good["case"], good["passed"], good["problems"]) == ("good", True, [])


COLUMNS = """
from flowlock_core.task import task
from flowlock_core.types import DataFrame
from flowlock_core.tasks.groupby import aggregate_value


@task
def of_a_column(df: DataFrame, column: str = "mas") -> float:
    return helper(df, column)


def helper(df, column):
    return float(df[column].mean())


@task
def of_columns(df: DataFrame) -> float:
    return float(df[["mas", "island"]].size)


@task
def of_a_dict(df: DataFrame) -> str:
    return {}["mas"]


def own(step: Steps) -> Any:
    table = step(load_table, "table").call()
    return step(of_a_column, "mean").partial(df=table).call()


def several(step: Steps) -> Any:
    table = step(load_table, "table").call()
    return step(of_columns, "size").partial(df=table).call()


def ready(step: Steps) -> Any:
    table = step(load_table, "table").call()
    return step(aggregate_value, "mean").partial(df=table, column="mas", function="mean").call()


def other(step: Steps) -> Any:
    table = step(load_table, "table").call()
    return step(of_a_dict, "word").partial(df=table).call()
"""


def failing(
    package: str, function: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    """Run a workflow over a table of islands and masses; return its one problem."""
    module = Path(sys.path[0]) / package / "workflow.py"
    module.write_text(module.read_text() + COLUMNS)
    (tmp_path / "data.csv").write_text("island,mass\nBiscoe,1\n")
    params = str(tmp_path / "params.yaml")
    assert main(f"{package}.workflow:{function}", ["--json", "run", "--params", params]) == 1
    (problem,) = document(capsys.readouterr().out)["problems"]
    return dict(problem)


@pytest.mark.parametrize(("function", "step"), [("own", "mean"), ("several", "size")])
def test_a_column_that_pandas_does_not_find_is_told_with_the_tasks_line_and_the_data(
    package: str, function: str, step: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = failing(package, function, tmp_path, capsys)
    module = Path(sys.path[0]) / package / "workflow.py"
    assert problem["code"] == "FL731"
    assert problem["message"].startswith(f"{step}: the task of_a_column" if function == "own" else step)
    assert "the column `mas`, which does not exist; the columns are island, mass" in problem["message"]
    assert problem["file"] == str(module)
    marked = module.read_text().splitlines()[problem["line"] - 1][problem["column"] - 1 :]
    assert marked.startswith("df[")
    data = tmp_path / "data.csv"
    assert problem["hint"] == (
        f"did you mean `mass`? The table was made from {data} ({tmp_path / 'params.yaml'}:2:9)"
    )


def test_a_column_that_a_ready_task_lacks_is_told_where_the_data_are_named(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = failing(package, "ready", tmp_path, capsys)
    assert problem["code"] == "FL731"
    assert problem["message"] == "mean.column: column `mas` does not exist; the columns are island, mass"
    assert (problem["file"], problem["line"], problem["column"]) == (str(tmp_path / "params.yaml"), 2, 9)
    assert f"did you mean `mass`? The table was made from {tmp_path / 'data.csv'}" in problem["hint"]


def test_a_key_error_that_is_not_about_a_table_is_told_as_it_is(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = failing(package, "other", tmp_path, capsys)
    assert (problem["code"], problem["message"]) == (
        "FL733",
        "word: the task of_a_dict failed: KeyError: 'mas'",
    )
    assert problem["file"] == str(Path(sys.path[0]) / package / "workflow.py")
