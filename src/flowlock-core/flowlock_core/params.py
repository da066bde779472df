"""The parameters file: YAML or JSON to a mapping of steps, and every problem of it before anything runs."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from flowlock_core.arguments import arguments_of
from flowlock_core.documents import LOADER, Document, KeyPath, parse_document, read_text
from flowlock_core.errors import Location, Problem, UsageError, WorkflowError, nearest
from flowlock_core.execute.plan import Plan, PlannedStep, env_refs_in, refs_in

STDIN = "-"
# Problems of a name that stands in the file, not of its value.
_OF_NAMES = ("FL724", "FL725", "FL726")
_MISSING = "FL727"


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """Parameters by step, the folder that relative paths start at, and where in the file each value is.

    `problems` are those of the file's form; what can be read in spite of them is here.
    """

    by_step: Mapping[str, Mapping[str, Any]]
    base: Path
    keys: Mapping[KeyPath, Location] = field(default_factory=dict)
    values: Mapping[KeyPath, Location] = field(default_factory=dict)
    end: Location | None = None
    problems: tuple[Problem, ...] = ()

    def locate(self, problem: Problem) -> Location | None:
        """Return where a problem is: at a name, at its value, or at what lacks a value.

        None if the file has nothing about the step; what lacks altogether belongs at the end.
        """
        if problem.step is None:
            return None
        path = (problem.step.partition("[")[0], *parts_of(problem.parameter or ""))
        if problem.code in _OF_NAMES and path in self.keys:
            return self.keys[path]
        if problem.code == _MISSING:
            path = path[:-1]
        while len(path) > 1 and path not in self.values:
            path = path[:-1]
        found = self.values.get(path) if len(path) > 1 else self.keys.get(path)
        return self.end if found is None and problem.code == _MISSING else found

    def named_at(self, step: str, path: Path) -> Location | None:
        """Return where a step's parameters name a file."""
        given = self.by_step.get(step, {}).items()
        return next(
            (
                self.values.get((step, name))
                for name, value in given
                if isinstance(value, str) and self.base / value == path
            ),
            None,
        )

    def placed(self, error: WorkflowError) -> WorkflowError:
        """Return an error whose problems have their places, and name the data that they are about."""
        return WorkflowError(error.message, problems=[self._placed(problem) for problem in error.problems])

    def _placed(self, problem: Problem) -> Problem:
        location, hint = problem.location or self.locate(problem), problem.hint
        named = [(one.path, self.named_at(one.step, one.path)) for one in problem.data]
        if named:
            told = ", ".join(f"{path} ({at})" if at else str(path) for path, at in named)
            hint = " ".join(filter(None, [hint, f"The table was made from {told}"]))
            location = location or named[0][1]
        return replace(problem, location=location, hint=hint)


def parts_of(parameter: str) -> list[str]:
    """Return the keys and positions of a path like `range.days[2]`."""
    return [part for part in parameter.replace("[", ".").replace("]", "").split(".") if part]


def load_params(source: str) -> Params:
    """Read a file, or stdin for `-`; a WorkflowError tells why it cannot be read, or where it is no YAML."""
    if source == STDIN:
        return parse_params(sys.stdin.read(), file="<stdin>", base=Path.cwd())
    path = Path(source)
    text = read_text(path, "parameters file", code="FL720")
    return parse_params(text, file=str(path), base=path.resolve().parent)


def parse_params(text: str, *, file: str, base: Path) -> Params:
    """Parse YAML (and so JSON); the top level maps steps to their parameters."""
    document = parse_document(text, file)
    problems = (*document.problems, *_shape_problems(document, file))
    content = document.content if isinstance(document.content, dict) else {}
    return Params(
        by_step={
            str(step): {str(name): value for name, value in given.items()} if isinstance(given, dict) else {}
            for step, given in content.items()
        },
        base=base,
        keys=document.keys,
        values=document.values,
        end=document.end,
        problems=problems,
    )


def with_values(params: Params, settings: Sequence[str]) -> Params:
    """Return parameters with `step.parameter=value` put over them.

    A value is YAML, a longer path goes into mappings. A UsageError tells which setting has another form.
    """
    values: dict[str, dict[str, Any]] = {step: dict(given) for step, given in params.by_step.items()}
    places: dict[KeyPath, Location] = {}
    for setting in settings:
        path, equals, text = setting.partition("=")
        parts = path.strip().split(".")
        if not equals or len(parts) < 2 or not all(parts):  # noqa: PLR2004 - step and parameter
            raise UsageError(
                f"`{setting}` is not step.parameter=value",
                code="FL739",
                hint="for example --set table.path=a.csv",
            )
        try:
            value = yaml.load(text, Loader=LOADER)  # noqa: S506 - a safe loader, in C where there is one
        except (yaml.YAMLError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise UsageError(f"the value of `{path}` is no YAML: {reason}", code="FL739") from error
        here: dict[str, Any] = values
        for part in parts[:-1]:
            inner = here.get(part)
            here[part] = dict(inner) if isinstance(inner, Mapping) else {}
            here = here[part]
        here[parts[-1]] = value
        places[tuple(parts)] = Location(file=f"--set {path}")
    return replace(params, by_step=values, keys={**params.keys, **places}, values={**params.values, **places})


def _shape_problems(document: Document, file: str) -> Iterator[Problem]:
    content = document.content
    if content is not None and not isinstance(content, dict):
        yield Problem(
            code="FL723",
            message="a mapping of steps to their parameters is expected",
            location=Location(file=file, line=1, column=1),
            hint="write each step as `step:`, and its parameters indented under it as `name: value`",
        )
        return
    for step, given in (content or {}).items():
        if given is not None and not (isinstance(given, dict) and all(isinstance(key, str) for key in given)):
            yield Problem(
                code="FL723",
                message="a mapping of parameters to values is expected",
                step=str(step),
                location=document.values.get((str(step),)) or document.end,
                hint="write the parameters indented under the step as `name: value`",
            )


def check_params(
    plan: Plan, values: Mapping[str, Mapping[str, Any]], *, context: Any = None, mocked: Sequence[str] = ()
) -> list[Problem]:
    """Return everything that is wrong with the parameters of a plan, before any step runs.

    Nothing is asked for in the steps named in `mocked`, which will not run.
    """
    import os

    steps = {step.id: step for step in plan.steps}
    problems = [_unknown_step(step, plan) for step in values if step not in steps]
    for step in plan.steps:
        if step.id not in mocked:
            found = _step_problems(step, values.get(step.id, {}), context)
            problems.extend(replace(problem, step=step.id) for problem in found)
    wanted = dict.fromkeys(name for step in plan.steps for name in env_refs_in(step.arguments))
    problems.extend(
        Problem(
            code="FL729",
            message=f"the environment variable {name} is not set",
            hint=f"set it: export {name}=…",
        )
        for name in wanted
        if name not in os.environ
    )
    return problems


def _unknown_step(step: str, plan: Plan) -> Problem:
    takers = [one.id for one in plan.steps if _open(one)]
    there = f"the steps with parameters are {', '.join(takers)}" if takers else "no step has parameters"
    hint = nearest(step, [one.id for one in plan.steps]) or there
    return Problem(code="FL724", message="the workflow has no such step", step=step, hint=hint)


def _open(step: PlannedStep) -> bool:
    """Tell whether a step has a parameter that the workflow does not set itself."""
    return not {*step.arguments, *step.argnames} >= arguments_of(step.task.func).by_name.keys()


def _step_problems(step: PlannedStep, given: Mapping[str, Any], context: Any) -> Iterator[Problem]:
    arguments = arguments_of(step.task.func)
    fixed = [*step.arguments, *step.argnames]
    for name, value in given.items():
        if name not in arguments.by_name:
            yield arguments.unknown(name)
        elif name in fixed:
            yield Problem(
                code="FL726",
                message="the workflow sets this itself",
                parameter=name,
                hint="remove it from the file",
            )
        else:
            yield from arguments.by_name[name].problems(value, context)
    for name, value in step.arguments.items():
        if name not in arguments.by_name:
            yield arguments.unknown(name)
        elif not (list(refs_in(value)) or list(env_refs_in(value))):
            yield from arguments.by_name[name].problems(value, context)
    for name, argument in arguments.by_name.items():
        if argument.required and name not in given and name not in fixed:
            yield arguments.missing(name)
