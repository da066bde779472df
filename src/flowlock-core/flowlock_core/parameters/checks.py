"""Every problem of a workflow's parameters, before any step runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flowlock_core.arguments import arguments_of
from flowlock_core.errors import Problem, nearest, nearest_of
from flowlock_core.execute.plan import Plan, PlannedStep, env_refs_in, refs_in
from flowlock_core.parameters.params import MISSING


def check_params(
    plan: Plan, values: Mapping[str, Mapping[str, Any]], *, context: Any = None, mocked: Sequence[str] = ()
) -> list[Problem]:
    """Return everything that is wrong with the parameters of a plan, before any step runs.

    Nothing is asked for in the steps named in `mocked`, which will not run.
    """
    unknown = values.keys() - {step.id for step in plan.steps}
    problems = [_unknown_step(step, plan) for step in values if step in unknown]
    misspelt = {_nearest_step(step, plan) for step in unknown}
    for step in plan.steps:
        if step.id in mocked:
            continue
        own = _step_problems(step, values.get(step.id, {}), context)
        # Parameters that stand under a misspelt step are not missing.
        if step.id in misspelt - values.keys():
            own = _without_missing(own)
        problems += [replace(problem, step=step.id) for problem in own]
    return [*problems, *_unset_variables(plan)]


def _without_missing(problems: Iterator[Problem]) -> Iterator[Problem]:
    return (problem for problem in problems if problem.code != MISSING)


def _unset_variables(plan: Plan) -> Iterator[Problem]:
    import os

    names = dict.fromkeys(name for step in plan.steps for name in env_refs_in(step.arguments))
    for name in names:
        if name not in os.environ:
            yield Problem(
                code="FL729",
                message=f"the environment variable {name} is not set",
                hint=f"set it: export {name}=…",
            )


def _nearest_step(step: str, plan: Plan) -> str | None:
    return nearest_of(step, [planned.id for planned in plan.steps])


def _unknown_step(step: str, plan: Plan) -> Problem:
    open_steps = [planned.id for planned in plan.steps if _open(planned)]
    listed = (
        f"the steps with parameters are {', '.join(open_steps)}" if open_steps else "no step has parameters"
    )
    hint = nearest(step, [planned.id for planned in plan.steps]) or listed
    return Problem(code="FL724", message="the workflow has no such step", step=step, hint=hint)


def _open(step: PlannedStep) -> bool:
    """Tell whether a step has a parameter that the workflow does not set itself."""
    return not {*step.arguments, *step.argnames} >= arguments_of(step.task.func).by_name.keys()


def _step_problems(step: PlannedStep, values: Mapping[str, Any], context: Any) -> Iterator[Problem]:
    fixed = [*step.arguments, *step.argnames]
    yield from _value_problems(step, values, fixed, context)
    yield from _literal_problems(step, context)
    by_name = arguments_of(step.task.func).by_name
    misspelt = {nearest_of(name, list(by_name)) for name in values if name not in by_name}
    for name, argument in by_name.items():
        if argument.required and name not in {*values, *fixed, *misspelt}:
            yield arguments_of(step.task.func).missing(name)


def _value_problems(
    step: PlannedStep, values: Mapping[str, Any], fixed: Sequence[str], context: Any
) -> Iterator[Problem]:
    arguments = arguments_of(step.task.func)
    for name, value in values.items():
        if name not in arguments.by_name:
            yield arguments.unknown(name)
        elif name in fixed:
            yield Problem(
                code="FL726",
                message="the workflow sets this itself",
                parameter=name,
                hint="leave it out",
            )
        else:
            yield from arguments.by_name[name].problems(value, context)


def _literal_problems(step: PlannedStep, context: Any) -> Iterator[Problem]:
    arguments = arguments_of(step.task.func)
    for name, value in step.arguments.items():
        if name not in arguments.by_name:
            yield arguments.unknown(name)
        elif not (list(refs_in(value)) or list(env_refs_in(value))):
            yield from arguments.by_name[name].problems(value, context)
