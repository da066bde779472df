"""A whole run: every problem of the parameters first, then the steps."""

from typing import Any

from flowlock_core.errors import WorkflowError
from flowlock_core.execute import Options, Run, Workflow, trace
from flowlock_core.execute.mocks import IO_TAG
from flowlock_core.params import check_params


def run_workflow(main: Workflow, options: Options) -> tuple[Any, Run]:
    """Check the parameters against every step, then run; return the last step's result, and the run.

    A WorkflowError holds every problem of the parameters, and then nothing has run.
    """
    plan = trace(main)
    mocked = [step.id for step in plan.steps if options.mock_io and IO_TAG in step.task.tags]
    mocked += options.mocks
    problems = check_params(plan, options.params, context={"base": options.base}, mocked=mocked)
    if problems:
        raise WorkflowError("the parameters do not fit the workflow", problems=problems)
    return Run.of(main, options)
