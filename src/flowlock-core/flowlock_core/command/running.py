"""A whole run: every problem of the parameters first, then the steps."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from flowlock_core.connections import MOCKED
from flowlock_core.errors import DataFile, Problem, WorkflowError
from flowlock_core.execute import Options, Run, Workflow, trace
from flowlock_core.execute.mocks import IO_TAG
from flowlock_core.execute.plan import Plan
from flowlock_core.masking import masked, masked_problem
from flowlock_core.parameters.checks import check_params


def run_workflow(main: Workflow, options: Options, problems: Sequence[Problem] = ()) -> tuple[Any, Run]:
    """Check the parameters against every step, then run; return the last step's result, and the run.

    A WorkflowError holds every problem of the parameters, those that are known already first, and then
    nothing has run.
    """
    plan = trace(main)
    context = {"base": options.base, MOCKED: options.mock_io}
    others = check_params(plan, options.params, context=context, mocked=_mocked(plan, options))
    # Nothing more is said of a step whose parameters cannot be read as a whole.
    unreadable = {problem.step for problem in problems if problem.step and problem.parameter is None}
    others = [problem for problem in others if problem.step not in unreadable]
    if problems or others:
        raise WorkflowError("the parameters do not fit the workflow", problems=[*problems, *others])
    run = Run(options)
    try:
        return main(run), run
    except WorkflowError as error:
        problems = [masked_problem(_with_data(problem, plan, run)) for problem in error.problems]
        raise WorkflowError(masked(error.message), problems=problems) from error


def _mocked(plan: Plan, options: Options) -> list[str]:
    by_example = [step.id for step in plan.steps if options.mock_io and IO_TAG in step.task.tags]
    return [*by_example, *options.mocks]


def _with_data(problem: Problem, plan: Plan, run: Run) -> Problem:
    """Add to a problem of a table which files the table was made from, or which examples stood for them."""
    if problem.step is None:
        return problem
    before = _needed(plan, problem.step.partition("[")[0])
    examples = [step for step in before if step in run.mocks and run.mocks[step].packaged]
    if examples:
        step = examples[0]
        way_out = (
            f"the step `{step}` used its packaged example {run.mocks[step].path}, which does not fit; "
            f"set another file under `mocks: {{{step}: file}}` of a test case, or run without --mock-io"
        )
        return replace(problem, hint=f"{problem.hint}; {way_out}" if problem.hint else way_out)
    if problem.code != "FL731":
        return problem
    data = [DataFile(step=step, path=path) for step in before for path in sorted(run.inputs_of.get(step, ()))]
    return replace(problem, data=tuple(data))


def _needed(plan: Plan, step: str) -> Collection[str]:
    """Return a step and all whose results it was made from."""
    found: dict[str, None] = {}
    left = [step]
    while left:
        one = left.pop()
        if one not in found:
            found[one] = None
            left += plan.step(one).dependencies()
    return found
