"""`check` reads the parameters and test cases beside a spec, and finds what a run would find."""

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowlock import workspace
from flowlock.commands.check import check
from flowlock.commands.init import init
from flowlock.report.reporter import Format, Silent

SPEC = """id: lit
workflow:
  - {id: t, task: load_table, partial: {time_columns: [d]}}
  - {id: f, task: filter_by_time_range, partial: {df: "${{ workflow.t.return }}", time_column: d}}
  - {id: n, task: count_rows, partial: {df: "${{ workflow.f.return }}"}}
"""
RIGHT = "t: {path: t.csv}\nf:\n  time_range: {since: 2024-01-01, until: 2024-02-29}\nn: {}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "space"
    init(root, today=datetime(2026, 11, 1, tzinfo=UTC))
    subprocess.run(["git", "init", "-q", root], check=True)
    shutil.rmtree(root / "examples/hello")
    (root / "examples/lit").mkdir()
    return root


def found(root: Path, *, spec: str = SPEC, **files: str) -> list[tuple[str, str]]:
    """Return the problems of a spec and the files beside it: file and line, code, sentence."""
    folder = root / "examples/lit"
    for name in ("params", "cases"):
        (folder / {"params": "params.yaml", "cases": "test-cases.yaml"}[name]).unlink(missing_ok=True)
    (folder / "spec.yaml").write_text(spec)
    for name, text in files.items():
        (folder / {"params": "params.yaml", "cases": "test-cases.yaml"}[name]).write_text(text)
    result = check(workspace.load(root), [folder], form=Format.TEXT, progress=Silent())
    assert result.as_text()
    places = [(problem, problem.location) for problem in result.problems]
    return [(f"{Path(at.file).name}:{at.line}", f"{one.code} {one.message}") for one, at in places if at]


def test_what_a_run_would_accept_is_right(made: Path) -> None:
    cases = "one: {params: {f: {time_range: {since: 2024-01-01, until: 2024-01-02}}}}\n"
    assert not found(made, params=RIGHT, cases=cases)


@pytest.mark.parametrize(
    ("params", "place", "words"),
    [
        (RIGHT.replace("path:", "pth:"), "params.yaml:1", "FL725 t.pth"),
        (RIGHT.replace("02-29", "02-30"), "params.yaml:3", "FL728 f.time_range.until"),
        (RIGHT.replace("t: {path: t.csv}\n", ""), "params.yaml:4", "FL727 t.path: a value is required"),
        (RIGHT + "g: {x: 1}\n", "params.yaml:5", "FL724 g: the workflow does not have this step"),
        (RIGHT.replace("n: {}", "n: {df: 1}"), "params.yaml:4", "FL726 n.df"),
        (RIGHT + "t: {}\n", "params.yaml:5", "FL722"),
        (RIGHT + "[", "params.yaml:", "FL721"),
        ("- t\n", "params.yaml:1", "FL723"),
    ],
)
def test_a_wrong_parameter_is_found_at_its_place(made: Path, params: str, place: str, words: str) -> None:
    problems = found(made, params=params)
    assert any(where.startswith(place) and words in said for where, said in problems), problems


def test_test_cases_are_checked_but_those_that_are_there_to_fail(made: Path) -> None:
    wrong = "{f: {time_range: {since: 2024-02-30, until: 2024-03-01}}}"
    cases = (
        f"mocked: {{params: {wrong}}}\n"
        f"raising: {{params: {wrong}, raises: true}}\n"
        f"failing: {{params: {wrong}, expect-error: since}}\n"
        "reading: {mock-io: false, params: {f: {time_range: {since: 2024-01-01, until: 2024-01-02}}}}\n"
    )
    assert [(where, said.split(":")[0]) for where, said in found(made, cases=cases)] == [
        ("test-cases.yaml:1", "FL728 f.time_range.since"),
        ("test-cases.yaml:4", "FL727 t.path"),
    ]
    ((where, said),) = found(made, cases="one: {expcet: 1}\n")
    assert (where, said) == ("test-cases.yaml:1", "FL735 one.expcet: unknown key of a test case")


def test_the_errors_of_the_spec_come_alone(made: Path) -> None:
    ((where, said),) = found(made, spec=SPEC.replace("count_rows", "count_row"), params="x: 1\n")
    assert where == "spec.yaml:5"
    assert said.startswith("FL130")


def test_published_test_cases_write_their_keys_with_underscores(made: Path) -> None:
    ((where, said),) = found(made, cases="one:\n  mock_io: false\n  params: {t: {path: a.csv}}\n")
    assert where == "test-cases.yaml:3"
    assert said.startswith("FL727 f.time_range")
