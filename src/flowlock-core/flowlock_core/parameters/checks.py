"""Every problem of a workflow's parameters, before any step runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flowlock_core.arguments import Arguments, arguments_of, missing_parameter, unknown_parameter
from flowlock_core.errors import Problem, nearest, nearest_of
from flowlock_core.execute.plan import Plan, PlannedStep, env_refs_in, refs_in

Values = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class StepParameters:
    """What a step takes: names with what they are for, which need a value, which the workflow sets itself."""

    step: str
    descriptions: Mapping[str, str | None]
    required: frozenset[str]
    fixed: frozenset[str]

    @property
    def open(self) -> bool:
        """Whether the user who runs the workflow sets a parameter."""
        return not self.fixed >= self.descriptions.keys()

    def refused(self, name: str) -> Problem | None:
        """Return why nobody can give a parameter of this name."""
        if name not in self.descriptions:
            return unknown_parameter(name, list(self.descriptions))
        if name in self.fixed:
            message = "the workflow sets this value itself"
            return Problem(code="FL726", message=message, parameter=name, hint="remove it")
        return None

    def missing(self, values: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield a problem for each parameter that needs a value; a misspelt one is not missing, too."""
        names = list(self.descriptions)
        misspelt = {nearest_of(name, names) for name in values if name not in self.descriptions}
        for name in names:
            if name in self.required and name not in {*values, *self.fixed, *misspelt}:
                yield missing_parameter(name, self.descriptions[name])


def check_names(
    steps: Sequence[StepParameters], values: Values, *, mocked: Sequence[str] = ()
) -> Iterator[Problem]:
    """Yield the problems of the names of steps and parameters, and which values are missing.

    Parameters of the steps in `mocked`, which will not run, are not required.
    """
    yield from _unknown_steps(steps, values)
    for step in steps:
        if step.step in mocked:
            continue
        arguments = values.get(step.step, {})
        refused = [problem for name in arguments if (problem := step.refused(name))]
        missing = [] if _is_misspelt(step.step, steps, values) else list(step.missing(arguments))
        yield from (replace(problem, step=step.step) for problem in (*refused, *missing))


def check_params(
    plan: Plan, values: Values, *, context: Any = None, mocked: Sequence[str] = ()
) -> list[Problem]:
    """Return everything that is wrong with the parameters of a plan, before any step runs.

    Parameters of the steps in `mocked`, which will not run, are not required.
    """
    steps = [_parameters_of(step) for step in plan.steps]
    problems = list(check_names(steps, values, mocked=mocked))
    for names, step in zip(steps, plan.steps, strict=True):
        if step.id not in mocked:
            wrong = _value_problems(step, names, values.get(step.id, {}), context)
            problems += [replace(problem, step=step.id) for problem in wrong]
    return [*problems, *_unset_variables(plan)]


def _parameters_of(step: PlannedStep) -> StepParameters:
    by_name = arguments_of(step.task.func).by_name
    return StepParameters(
        step=step.id,
        descriptions={name: argument.description for name, argument in by_name.items()},
        required=frozenset(name for name, argument in by_name.items() if argument.required),
        fixed=frozenset((*step.arguments, *step.argnames)),
    )


def _is_misspelt(step: str, steps: Sequence[StepParameters], values: Values) -> bool:
    """Return whether the parameters of a step are probably there under a misspelt id."""
    ids = [parameters.step for parameters in steps]
    return step not in values and any(nearest_of(name, ids) == step for name in values if name not in ids)


def _unknown_steps(steps: Sequence[StepParameters], values: Values) -> Iterator[Problem]:
    ids = [parameters.step for parameters in steps]
    takers = [parameters.step for parameters in steps if parameters.open]
    listed = f"the steps with parameters are {', '.join(takers)}" if takers else "no step has parameters"
    for step in values:
        if step not in ids:
            hint = nearest(step, ids) or listed
            message = "the workflow does not have this step"
            yield Problem(code="FL724", message=message, step=step, hint=hint)


def _value_problems(
    step: PlannedStep, names: StepParameters, values: Mapping[str, Any], context: Any
) -> Iterator[Problem]:
    arguments = arguments_of(step.task.func)
    for name, value in values.items():
        if names.refused(name) is None:
            yield from arguments.by_name[name].problems(value, context)
    yield from _literal_problems(step, arguments, context)


def _literal_problems(step: PlannedStep, arguments: Arguments, context: Any) -> Iterator[Problem]:
    for name, value in step.arguments.items():
        if name not in arguments.by_name:
            yield arguments.unknown(name)
        elif not (list(refs_in(value)) or list(env_refs_in(value))):
            yield from arguments.by_name[name].problems(value, context)


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
