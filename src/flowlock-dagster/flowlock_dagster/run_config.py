"""The run config of a job: the parameters file, checked as a whole before a run exists."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from flowlock_core.arguments import Argument, arguments_of
from flowlock_core.command.running import parameter_problems
from flowlock_core.connections import MOCKED
from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.execute import Options, Plan, PlannedStep
from flowlock_core.masking import masked
from flowlock_core.parameters.params import Params
from flowlock_core.schema import TaskSignature, signature

Values = Mapping[str, Mapping[str, Any]]
_WAY_TO_ADD = "add `{parameter}: …` under `{step}:` in the run config"


class RunConfigError(dg.DagsterError):
    """The run config is not valid: the message has every problem.

    It is an error of Dagster's, so that a launch answers with its message: of other errors Dagster says only
    that a config mapping has failed.
    """


def inputs_folder() -> Path | None:
    """Return the folder that relative paths of parameters start at, `$FLOWLOCK_INPUTS`; None without one."""
    named = os.environ.get("FLOWLOCK_INPUTS")
    return Path(named).absolute() if named else None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfigCheck:
    """Checks the run config of a workflow."""

    plan: Plan

    def checked(self, config: Mapping[str, Any]) -> Values:
        """Return the parameters by step; a RunConfigError holds everything that is wrong with them."""
        base = inputs_folder()
        problems = list(_shape_problems(config))
        values = {step: given if isinstance(given, Mapping) else {} for step, given in config.items()}
        unreadable = {problem.step for problem in problems}
        context = {"base": base, MOCKED: False}
        others = parameter_problems(self.plan, Options(params=values, base=base), context)
        problems += [problem for problem in others if problem.step not in unreadable]
        if not problems and base is None:
            problems += self._relative_paths(values)
        if problems:
            error = WorkflowError("the run config is not valid for the workflow", problems=problems)
            params = Params(by_step=values, base=base or Path.cwd(), way_to_add=_WAY_TO_ADD)
            raise RunConfigError(masked(str(params.placed(error))))
        return values

    def _relative_paths(self, values: Values) -> Iterator[Problem]:
        """Yield the files of a relative path: a run has no parameters file whose folder it could start at."""
        for step in self.plan.steps:
            arguments = arguments_of(step.task.func).by_name
            for name, value in {**values.get(step.id, {}), **step.arguments}.items():
                for path in _relative_files(arguments[name], value):
                    yield Problem(
                        code="FL796",
                        message=f"the path {path} is relative",
                        step=step.id,
                        parameter=name,
                        hint="write an absolute path, or set FLOWLOCK_INPUTS to the folder that it starts at",
                    )


def config_schema(plan: Plan) -> dg.Permissive:
    """Return the schema of a run config: the steps that take parameters, with what these are for.

    Values are not restricted: the check of the plan refuses more than Dagster's types can express, and its
    problems have codes and hints.
    """
    fields = {}
    signatures: dict[Callable[..., Any], TaskSignature] = {}
    for step in plan.steps:
        func = step.task.func
        if func not in signatures:
            signatures[func] = signature(step.task)
        parameters = list(_open_parameters(step, signatures[func]))
        if parameters:
            description = "\n".join([signatures[func].title, *parameters])
            fields[step.id] = dg.Field(dg.Any, is_required=False, description=description)
    return dg.Permissive(fields)


def _open_parameters(step: PlannedStep, task: TaskSignature) -> Iterator[str]:
    """Yield a line for each parameter that the run config gives."""
    given = {*step.arguments, *step.argnames}
    for parameter in task.parameters:
        if not parameter.wired and parameter.name not in given:
            kind = "required" if parameter.required else f"default: {parameter.schema.get('default')}"
            yield f"- {parameter.name} ({kind}): {parameter.description or parameter.title}"


def _shape_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    for step, given in config.items():
        if given is not None and not isinstance(given, Mapping):
            yield Problem(
                code="FL723",
                message="expected a mapping of parameters to values",
                step=step,
                hint="write the parameters indented under the step as `name: value`",
            )


def _relative_files(argument: Argument, value: Any) -> list[Path]:
    from pydantic import ValidationError

    inputs: set[Path] = set()
    try:
        argument.check(value, context={"base": None, "inputs": inputs})
    except ValidationError:
        # The value comes from another step, or from the environment.
        return []
    return sorted(path for path in inputs if not path.is_absolute())
