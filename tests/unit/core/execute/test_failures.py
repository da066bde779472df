"""Which failure of a plan is told, what is said of it, and what runs in spite of it."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pytest
from pydantic import AfterValidator

from executions import EVERY, PLANNED, add
from flowlock_core.command.running import run_workflow
from flowlock_core.errors import TaskError, WorkflowError
from flowlock_core.execute import Executor, Options, RunLog, Steps, env, run_plan, trace
from flowlock_core.execute.context import current
from flowlock_core.execute.pools import InlinePool, ThreadPool
from flowlock_core.execute.record import Status, StepRecord, Unobserved
from flowlock_core.task import task
from flowlock_core.types import DataFrame


@task
def fails(value: int, secret: str = "") -> int:
    """Fail, and say it."""
    raise KeyError(f"no {value} {secret}")


@task
def exits() -> None:
    """End the process, or try to."""
    sys.exit(7)


@task
def table() -> DataFrame:
    """Make a table."""
    return pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})


@task
def together(values: list[Any]) -> Any:
    """Give back what was given."""
    return values


def error_of(main: Any, **options: Any) -> WorkflowError:
    with pytest.raises(WorkflowError) as caught:
        run_workflow(main, Options(**options))
    return caught.value


@pytest.mark.parametrize("executor", PLANNED)
def test_of_two_calls_that_write_a_file_the_later_in_the_plan_fails(
    executor: Executor, tmp_path: Path
) -> None:
    @task
    def write(seconds: float, text: str) -> None:
        """Write after a while."""
        time.sleep(seconds)
        current().output_path("t.txt").write_text(text)

    for delays in ((0.05, 0.0), (0.0, 0.05)):

        def main(step: Steps, delays: tuple[float, float] = delays) -> Any:
            step(write, "first").partial(seconds=delays[0], text="first").call()
            return step(write, "second").partial(seconds=delays[1], text="second").call()

        folder = tmp_path / str(delays[0])
        error = error_of(main, executor=executor, results=folder)
        (problem,) = error.problems
        assert problem.sentence == "second.filename: an earlier step of this run already wrote t.txt"
        assert (folder / "t.txt").read_text() == "first"


class Ended(Unobserved):
    """Keeps which steps ended, and how, in the order in which it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, Status]] = []

    def finished(self, record: StepRecord) -> None:
        self.steps.append((record.id, record.status))


@pytest.mark.parametrize("keep_going", [False, True])
@pytest.mark.parametrize("executor", PLANNED)
def test_a_step_that_wrote_a_file_is_told_of_once_no_earlier_step_can_have_written_it(
    executor: Executor, keep_going: object, tmp_path: Path
) -> None:
    @task
    def write(seconds: float) -> None:
        """Write after a while."""
        time.sleep(seconds)
        current().output_path("t.txt").write_text("text")

    def main(step: Steps) -> Any:
        step(write, "slow").partial(seconds=0.1).call()
        step(write, "quick").partial(seconds=0).call()
        return step(add, "other").partial(value=1).call()

    ended = Ended()
    settings = {"executor": executor, "keep_going": keep_going, "results": tmp_path, "observer": ended}
    error = error_of(main, **settings)
    assert [problem.step for problem in error.problems] == ["quick"]
    assert sorted(ended.steps)[-2:] == [("quick", Status.FAILED), ("slow", Status.DONE)]
    assert len(ended.steps) == len(dict(ended.steps))


@pytest.mark.parametrize("executor", PLANNED)
def test_the_first_failure_in_the_plan_is_told_even_if_another_comes_earlier(executor: Executor) -> None:
    @task
    def slow_failure() -> None:
        """Fail late."""
        time.sleep(0.05)
        raise ValueError("slow")

    def main(step: Steps) -> Any:
        step(add, "fine").partial(value=1).call()
        step(slow_failure, "slow").call()
        return step(fails, "quick").partial(value=1).call()

    plan, log = trace(main), RunLog()
    options = Options(executor=executor)
    with pytest.raises(WorkflowError) as caught, ThreadPool.of(3) as threads:
        run_plan(plan, options, threads if executor is Executor.THREADS else InlinePool(), log)
    assert [problem.step for problem in caught.value.problems] == ["slow"]
    assert [(record.id, record.status) for record in log.records] == [
        ("fine", Status.DONE),
        ("slow", Status.FAILED),
    ]


@pytest.mark.parametrize("executor", PLANNED)
def test_keep_going_runs_what_does_not_need_the_failed_step(executor: Executor) -> None:
    def main(step: Steps) -> Any:
        broken = step(fails, "broken").map("value", [1, 2])
        after = step(together, "after").partial(values=broken).call()
        other = step(add, "other").partial(value=1).call()
        step(fails, "also_broken").partial(value=other).call()
        last = step(add, "last").partial(value=other).call()
        return step(together, "result").partial(values=[after, last]).call()

    class Statuses(Unobserved):
        def __init__(self) -> None:
            self.of: dict[str, str] = {}

        def finished(self, record: Any) -> None:
            self.of[record.id] = record.status.value

    statuses = Statuses()
    error = error_of(main, executor=executor, keep_going=True, observer=statuses)
    assert error.message == "3 calls failed"
    assert [problem.step for problem in error.problems] == ["broken[1]", "broken[2]", "also_broken"]
    assert statuses.of == {
        "broken": "failed",
        "after": "not run",
        "other": "done",
        "also_broken": "failed",
        "last": "done",
        "result": "not run",
    }


@pytest.mark.parametrize("executor", EVERY)
def test_a_failure_tells_instance_element_arguments_and_traceback(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWLOCK_TEST_SECRET", "hunter22")

    def main(step: Steps) -> Any:
        secret = env("FLOWLOCK_TEST_SECRET")
        return step(fails, "broken").partial(secret=secret).mapvalues("value", [("k", 1)])

    (problem,) = error_of(main, executor=executor).problems
    text = str(problem)
    assert "FL733 broken[k]: the task fails failed: KeyError: 'no 1 ${{ env.FLOWLOCK_TEST_SECRET }}'" in text
    assert "  arguments: value=1, secret='${{ env.FLOWLOCK_TEST_SECRET }}'\n  Traceback (most" in text
    assert 'raise KeyError(f"no {value} {secret}")' in text
    assert "hunter22" not in text
    # What called the task says nothing about it.
    assert "run_call" not in text


@pytest.mark.parametrize("executor", EVERY)
def test_an_element_whose_check_fails_is_named(executor: Executor) -> None:
    def refuse_two(value: int) -> int:
        if value == 2:
            raise TaskError("no twos", parameter="value")
        return value

    @task
    def picky(value: Annotated[int, AfterValidator(refuse_two)]) -> int:
        """Check more than a type says."""
        return value

    def main(step: Steps) -> Any:
        values = step(together, "values").partial(values=[1, 3, 2]).call()
        return step(picky, "picky").map("value", values)

    (problem,) = error_of(main, executor=executor).problems
    assert (problem.step, problem.message) == ("picky[3]", "no twos")


@pytest.mark.parametrize("executor", EVERY)
def test_arguments_are_told_in_short(executor: Executor) -> None:
    @task
    def refuses(df: DataFrame, text: str, items: list[int], other: Any) -> None:
        """Fail."""
        raise ValueError

    def main(step: Steps) -> Any:
        df = step(table, "table").call()
        given = {"df": df, "text": "x" * 500, "items": [1] * 900, "other": Path("p")}
        return step(refuses, "refuses").partial(**given).call()

    detail = error_of(main, executor=executor).problems[0].detail.splitlines()[0]
    assert detail.startswith("arguments: df=<table of 3 rows and 2 columns>, text='xxx")
    assert detail.endswith("items=<list of 900>, other=p")
    assert len(detail) < 200


@pytest.mark.parametrize("executor", EVERY)
def test_a_task_that_exits_has_failed(executor: Executor) -> None:
    def main(step: Steps) -> Any:
        return step(exits, "exits").call()

    assert "the task exits failed: SystemExit: 7" in str(error_of(main, executor=executor).problems[0])
