"""test-cases.yaml."""

from pathlib import Path
from typing import Any

import pytest

from flowlock_core.errors import WorkflowError
from flowlock_core.execute import Steps
from flowlock_core.tasks.groupby import aggregate_value
from flowlock_core.tasks.io import load_table
from flowlock_core.testing import CaseOutcome, load_cases, run_cases

CASES = """
own:
  name: With a file of its own
  mocks: {table: own.csv}
  params: {mean: {column: value}}
  expect: 10
example:
  description: With the packaged example
  params: {mean: {column: value}}
  expect: 2.75
wrong:
  params: {mean: {column: value}}
  expect: 3
refused:
  params: {mean: {column: valeu}}
  expect-error: did you mean `value`?
not-refused:
  params: {mean: {column: value}}
  expect-error: did you mean
real:
  mock-io: false
  params: {table: {path: own.csv}, mean: {column: value}}
  expect: 10.0
"""


def mean_value(step: Steps) -> Any:
    """Find a mean."""
    table = step(load_table, "table").call()
    return step(aggregate_value, "mean").partial(df=table, function="mean").call()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.csv").write_text("value\n10\n")
    (tmp_path / "test-cases.yaml").write_text(CASES)
    return tmp_path


def test_cases_run_with_mocks_examples_and_real_files(folder: Path) -> None:
    outcomes = {o.id: o for o in run_cases(mean_value, load_cases(folder / "test-cases.yaml"))}
    failed = {
        case: [(one.sentence, one.location and one.location.line) for one in outcome.problems]
        for case, outcome in outcomes.items()
        if not outcome.passed
    }
    assert failed == {
        "wrong": [("result: expected 3, got 2.75", 13)],
        "not-refused": [("an error with `did you mean` was expected, but the run succeeded", 19)],
    }
    assert str(outcomes["wrong"]).startswith("FAILED  wrong")


def test_results_are_kept_on_request(folder: Path, tmp_path: Path) -> None:
    cases = load_cases(folder / "test-cases.yaml", only=["own"])
    [outcome] = run_cases(mean_value, cases, results=tmp_path / "kept")
    assert isinstance(outcome, CaseOutcome)
    assert (tmp_path / "kept" / "own" / "result.json").is_file()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1]", "expected a mapping of case ids to cases"),
        ("", "expected a mapping of case ids to cases"),
        ("a: [", "cases.yaml:2:1: FL721 not YAML"),
        (
            "a: {parms: {}}",
            "cases.yaml:1:5: FL735 a.parms: unknown key of a test case\n  hint: did you mean `params`?",
        ),
        ("a: {mocks: 3}", "cases.yaml:1:12: FL735 a.mocks: expected a mapping, not 3"),
    ],
)
def test_malformed_cases_are_told(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text(text)
    with pytest.raises(WorkflowError) as caught:
        load_cases(path)
    assert says in "\n".join(map(str, caught.value.problems))


def test_an_unknown_case_gets_a_suggestion(folder: Path) -> None:
    with pytest.raises(WorkflowError) as caught:
        load_cases(folder / "test-cases.yaml", only=["exampel"])
    assert caught.value.problems[0].hint == "did you mean `example`?"


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match="cannot read the test cases"):
        load_cases(tmp_path / "no.yaml")


def test_a_case_that_raises_wants_any_error(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("value\n10\n")
    case = "{raises: true, expected_status_code: 500, mocks: {table: own.csv}, params: {mean: {column: %s}}}"
    (tmp_path / "test-cases.yaml").write_text(f"bad: {case % 'valeu'}\ngood: {case % 'value'}\n")
    bad, good = run_cases(mean_value, load_cases(tmp_path / "test-cases.yaml"))
    assert bad.passed
    assert [problem.message for problem in good.problems] == ["an error was expected, but the run succeeded"]


def test_null_is_an_expectation_and_no_word_is_none(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("value\n10\n")
    case = "{mocks: {table: own.csv}, params: {mean: {column: value}}%s}"
    (tmp_path / "test-cases.yaml").write_text(f"nothing: {case % ', expect: null'}\nany: {case % ''}\n")
    nothing, any_result = run_cases(mean_value, load_cases(tmp_path / "test-cases.yaml"))
    assert [problem.message for problem in nothing.problems] == ["result: expected null, got 10.0"]
    assert any_result.passed


def test_a_mocked_table_is_read_as_its_steps_parameters_say(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("value;other\n1,5;NA\n2,5;x\n")
    case = "{mocks: {table: own.csv}, params: {table: {columns: [%s]}, mean: {column: value}}, expect: 2.0}"
    (tmp_path / "test-cases.yaml").write_text(f"good: {case % 'value'}\nbad: {case % 'valeu'}\n")
    good, bad = run_cases(mean_value, load_cases(tmp_path / "test-cases.yaml"))
    assert good.passed
    assert "did you mean `value`?" in str(bad)
