"""Running and tracing workflow functions."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flowlock_core.command.running import run_workflow
from flowlock_core.errors import WorkflowError
from flowlock_core.execute import Options, Run, Steps, env, trace
from flowlock_core.execute.plan import Method, Ref
from flowlock_core.execute.record import Status, StepRecord, Unobserved
from flowlock_core.execute.skip import SKIPPED
from flowlock_core.task import task
from flowlock_core.tasks.io import persist_text
from flowlock_core.tasks.skip import any_dependency_skipped, any_is_empty_df, never
from flowlock_core.types import DataFrame


@task
def pairs(count: int) -> list[tuple[str, int]]:
    """Make keyed numbers."""
    return [(f"k{number}", number) for number in range(count)]


@task
def double(value: int, plus: int = 0) -> int:
    """Double a number."""
    return 2 * value + plus


@task
def total(values: list[tuple[str, int]]) -> int:
    """Add up."""
    return sum(value for _, value in values)


@task
def table(rows: int) -> DataFrame:
    """Make a table."""
    return pd.DataFrame({"a": range(rows)})


@task
def row_count(df: DataFrame) -> int:
    """Count rows."""
    return len(df)


@task
def fails(value: int) -> int:
    """Raise an error of its own."""
    raise KeyError(f"no {value}")


def sums(step: Steps) -> Any:
    """Add up doubled numbers.

    More words.
    """
    numbers = step(pairs, "numbers").call()
    doubled = step(double, "doubled").partial(plus=1).mapvalues(["value"], numbers)
    return step(total, "summed").partial(values=doubled).call()


def skipping(step: Steps) -> Any:
    """Skip what an empty table leads to."""
    rows = step(table, "rows").call()
    counted = step(row_count, "counted").partial(df=rows).skipif([any_is_empty_df]).call()
    return step(double, "doubled").partial(value=counted).skipif([any_dependency_skipped]).call()


class Seen(Unobserved):
    """Keeps the ids of the steps that have ended."""

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen

    def finished(self, record: StepRecord) -> None:
        self.seen.append(record.id)


def message(main: Any, **options: Any) -> str:
    """Run a workflow that fails; return its problems as text."""
    with pytest.raises(WorkflowError) as caught:
        run_workflow(main, Options(**options))
    return "\n".join(str(problem) for problem in caught.value.problems).removeprefix("error: ")


def test_a_run_takes_parameters_by_step() -> None:
    result, run = Run.of(sums, Options(params={"numbers": {"count": "3"}}))
    assert result == 9
    assert [(record.id, record.calls) for record in run.records] == [
        ("numbers", 1),
        ("doubled", 3),
        ("summed", 1),
    ]


def test_each_step_is_logged_once_with_its_time() -> None:
    seen: list[str] = []
    options = Options(params={"numbers": {"count": 1}}, observer=Seen(seen))
    _, run = Run.of(sums, options)
    assert seen == ["numbers", "doubled", "summed"]
    assert all(record.seconds >= 0 for record in run.records)


def test_a_trace_runs_nothing_and_holds_the_same_steps() -> None:
    plan = trace(sums)
    assert [step.id for step in plan.steps] == ["numbers", "doubled", "summed"]
    assert plan.title == "Add up doubled numbers."
    assert plan.result == Ref("summed")
    doubled = plan.step("doubled")
    assert (doubled.method, doubled.argnames, doubled.arguments) == (
        Method.MAPVALUES,
        ("value",),
        {"plus": 1},
    )
    assert doubled.dependencies() == {"numbers": True}


def test_a_skipped_step_gives_a_marker_that_later_conditions_see() -> None:
    result, run = Run.of(skipping, Options(params={"rows": {"rows": 0}}))
    assert result is SKIPPED
    assert [record.status for record in run.records] == [Status.DONE, Status.SKIPPED, Status.SKIPPED]


def test_nothing_is_skipped_when_no_condition_holds() -> None:
    assert run_workflow(skipping, Options(params={"rows": {"rows": 2}}))[0] == 4


def test_a_skipped_value_without_a_condition_is_an_error_with_a_way_out() -> None:
    def main(step: Steps) -> Any:
        rows = step(table, "rows").partial(rows=0).call()
        counted = step(row_count, "counted").partial(df=rows).skipif([any_is_empty_df]).call()
        return step(double, "doubled").partial(value=counted).skipif([never]).call()

    text = message(main)
    assert text.startswith("FL732 doubled.value: the step that produces this value was skipped")
    assert "any_dependency_skipped" in text


def test_elements_of_a_map_are_skipped_one_by_one() -> None:
    def main(step: Steps) -> Any:
        tables = step(table, "tables").map("rows", [2, 0])
        return step(row_count, "counted").skipif([any_is_empty_df]).map("df", tables)

    assert run_workflow(main, Options())[0] == [2, SKIPPED]


def test_mapping_over_a_skipped_step_is_skipped_as_one() -> None:
    def main(step: Steps) -> Any:
        rows = step(table, "rows").partial(rows=0).call()
        keyed = step(row_count, "keyed").partial(df=rows).skipif([any_is_empty_df]).call()
        return step(double, "doubled").skipif([any_dependency_skipped]).mapvalues("value", keyed)

    assert run_workflow(main, Options())[0] is SKIPPED


def test_unpack_depth_looks_into_lists() -> None:
    def main(depth: int) -> Any:
        def workflow(step: Steps) -> Any:
            tables = step(table, "tables").map("rows", [2, 0])
            counter = step(task(lambda_len), "counted").partial(values=tables)
            return counter.skipif([any_is_empty_df], unpack_depth=depth).call()

        return run_workflow(workflow, Options())[0]

    assert main(1) == 2
    assert main(2) is SKIPPED


def lambda_len(values: list[Any]) -> int:
    """Count."""
    return len(values)


def test_every_problem_of_the_parameters_is_told_before_anything_runs() -> None:
    seen: list[str] = []
    text = message(
        sums,
        params={"numbres": {}, "doubled": {"value": 1, "plus": 2, "pluss": 3}, "numbers": {"count": "many"}},
        observer=Seen(seen),
    )
    assert "numbres: the workflow does not have this step\n  hint: did you mean `numbers`?" in text
    assert "doubled.value: the workflow sets this value itself" in text
    assert "doubled.plus: the workflow sets this value itself" in text
    assert "doubled.pluss: unknown parameter\n  hint: did you mean `plus`?" in text
    assert "numbers.count: " in text
    assert 'not "many"' in text
    assert seen == []


def test_a_missing_parameter_is_told() -> None:
    assert message(sums) == "FL727 numbers.count: a value is required"


def test_an_error_inside_a_task_names_step_element_and_line() -> None:
    def main(step: Steps) -> Any:
        return step(fails, "broken").mapvalues("value", [((("island", "=", "Biscoe"),), 1)])

    text = message(main)
    assert "broken[island-Biscoe]: the task fails failed: KeyError: 'no 1'" in text
    line = (
        Path(__file__).read_text(encoding="utf-8").splitlines().index('    raise KeyError(f"no {value}")') + 1
    )
    assert f"{Path(__file__)}:{line}" in text


def test_a_failed_step_is_recorded_as_failed() -> None:
    run = Run(Options())
    with pytest.raises(WorkflowError):
        run(fails, "broken").partial(value=1).call()
    assert [record.status for record in run.records] == [Status.FAILED]


@pytest.mark.parametrize(
    ("argvalues", "says"),
    [
        (3, "expected a list to map over, got int"),
        ([1], "mapvalues iterates over (key, value) pairs, got int"),
        ([("k", "x")], "broken[k].value: "),
    ],
)
def test_what_cannot_be_mapped_over_is_told(argvalues: Any, says: str) -> None:
    run = Run(Options())
    with pytest.raises(WorkflowError) as caught:
        run(double, "broken").mapvalues(["value"], argvalues)
    assert says in str(caught.value.problems[0])


def test_an_argument_name_that_the_task_has_not_is_told() -> None:
    run = Run(Options())
    with pytest.raises(WorkflowError) as caught:
        run(double, "broken").map(["valeu"], [1])
    assert "did you mean `value`?" in "\n".join(map(str, caught.value.problems))


def test_a_map_over_nothing_gives_nothing() -> None:
    assert Run(Options())(double, "empty").map(["value"], []) == []


def test_shared_arguments_of_a_map_are_checked_once() -> None:
    run = Run(Options())
    with pytest.raises(WorkflowError, match="wrong arguments"):
        run(double, "d").partial(plus="x").map(["value"], [1])


def test_mocked_steps_need_no_parameters(tmp_path: Path) -> None:
    (tmp_path / "pairs.json").write_text('[["a", 1], ["b", 2]]')
    result, run = Run.of(sums, Options(mocks={"numbers": tmp_path / "pairs.json"}))
    assert result == 8
    assert run.records[0].status is Status.MOCKED


def test_a_mock_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "mock file" in message(sums, mocks={"numbers": tmp_path / "no.json"})


def test_a_mock_of_another_type_is_told(tmp_path: Path) -> None:
    (tmp_path / "pairs.json").write_text('{"a": 1}')
    text = message(sums, mocks={"numbers": tmp_path / "pairs.json"})
    assert "does not fit list[tuple[str, int]]: result: expected a list" in text


def test_an_environment_variable_is_given_to_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def main(step: Steps) -> Any:
        return step(double, "doubled").partial(value=env("FLOWLOCK_TEST_NUMBER")).call()

    monkeypatch.setenv("FLOWLOCK_TEST_NUMBER", "4")
    assert run_workflow(main, Options())[0] == 8
    monkeypatch.delenv("FLOWLOCK_TEST_NUMBER")
    assert "the environment variable FLOWLOCK_TEST_NUMBER is not set" in message(main)


def test_files_written_in_a_map_have_the_groups_names(tmp_path: Path) -> None:
    key = (("a b", "=", "x/y"), ("c", "=", None))

    def main(step: Steps) -> Any:
        return (
            step(persist_text, "written")
            .partial(filename="d/t.txt")
            .mapvalues("text", [(key, "1"), ((), "2")])
        )

    run_workflow(main, Options(results=tmp_path))
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == ["t-a-b-x-y_c-None.txt", "t-all.txt"]


def test_two_steps_cannot_write_one_file(tmp_path: Path) -> None:
    def main(step: Steps) -> Any:
        step(persist_text, "first").partial(filename="t.txt", text="1").call()
        return step(persist_text, "second").partial(filename="t.txt", text="2").call()

    text = message(main, results=tmp_path)
    assert text.startswith("FL732 second.filename: an earlier step of this run already wrote t.txt")
    assert (tmp_path / "t.txt").read_text() == "1"


@pytest.mark.parametrize("name", ["../x.txt", "/x.txt", "a/../../x", "", "a\\b", "."])
def test_a_file_outside_the_results_is_refused(tmp_path: Path, name: str) -> None:
    def main(step: Steps) -> Any:
        return step(persist_text, "written").partial(filename=name, text="x").call()

    assert "written.filename" in message(main, results=tmp_path / "results")
    assert not list(tmp_path.iterdir())
