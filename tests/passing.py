"""What holds wherever another process executes calls: values that cannot get there, secrets, errors."""

from typing import Any

import pytest

from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.execute import Executor, Options, RunLog, Workflow, run_plan, trace
from flowlock_core.execute.pool import Pool
from flowlock_core.task import task
from process_tasks import called, function_of, tells_secret


def ran(workflow: Workflow, pool: Pool, log: RunLog | None = None, **options: Any) -> Any:
    """Return what a workflow gives on a pool."""
    return run_plan(trace(workflow), Options(**options), pool, log or RunLog())


def problems_of(workflow: Workflow, pool: Pool, **options: Any) -> tuple[Problem, ...]:
    """Return why a workflow fails on a pool."""
    with pytest.raises(WorkflowError) as caught:
        ran(workflow, pool, **options)
    return caught.value.problems


class PassingTests:
    """The tests, for modules with a fixture `pool`; a subclass names their executor."""

    executor: Executor

    def test_a_result_that_cannot_be_pickled_is_told(self, pool: Pool) -> None:
        (problem,) = self._problems_of(lambda step: step(function_of, "f").partial(value=1).call(), pool)
        assert (problem.code, problem.step) == ("FL757", "f")
        assert problem.message.startswith("the result, a function, cannot be passed between processes: ")
        assert "let the task function_of" in str(problem.hint)

    def test_an_argument_that_cannot_be_pickled_is_named(self, pool: Pool) -> None:
        (problem,) = self._problems_of(
            lambda step: step(called, "c").map("function", [int, lambda: 1]), pool, keep_going=True
        )
        assert (problem.code, problem.step, problem.parameter) == ("FL757", "c[2]", "function")
        assert problem.message.startswith("the value, a function, cannot be passed between processes: ")

    def test_a_task_that_cannot_be_imported_is_told(self, pool: Pool) -> None:
        @task
        def local() -> int:
            """Be local."""
            return 1

        (problem,) = self._problems_of(lambda step: step(local, "l").call(), pool)
        assert (problem.code, problem.step) == ("FL757", "l")
        assert "define it at the top of a module that can be imported" in problem.message

    def test_a_secret_that_only_the_other_process_knows_is_masked(self, pool: Pool) -> None:
        (problem,) = self._problems_of(
            lambda step: step(tells_secret, "s").partial(value="hunter22").call(), pool
        )
        assert "the password *** is wrong" in problem.message
        assert "hunter22" not in f"{problem}{problem.detail}"

    def _problems_of(self, workflow: Workflow, pool: Pool, **options: Any) -> tuple[Problem, ...]:
        return problems_of(workflow, pool, executor=self.executor, **options)
